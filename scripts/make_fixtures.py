#!/usr/bin/env python3
"""Makes tests/fixtures/{models,tokenizers,moee}: tiny checkpoints and tokenizers with random or
quickly trained contents, and what transformers and tokenizers answer for them (PEER: the shared folder's plain PyTorch).

    build/venv/bin/python scripts/make_fixtures.py [PART | NAME ...]

Deterministic on one machine; on another CPU the last bits of floats may differ (torch's kernels).
"""

import os
import sys

import torch
from transformers.utils import logging

from oracle import bpe, components, moee, models, peer, texts

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARED = os.environ.get("EXPERTOIRE_SHARED", os.path.join(os.path.dirname(ROOT), "shared"))
FIXTURES = os.path.join(ROOT, "tests", "fixtures")


def main():
    wanted = sys.argv[1:]
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    logging.disable_progress_bar()

    def asked(part, name):
        return not wanted or part in wanted or name in wanted

    for spec in models.SPECS:
        if asked("models", spec.name):
            models.make(spec, os.path.join(FIXTURES, "models"))
    if asked("models", peer.NAME):
        peer.make(os.path.join(FIXTURES, "models"), SHARED)
    training = texts.training_texts(ROOT)
    for name in bpe.MAKERS:
        if asked("tokenizers", name):
            bpe.make(name, training, os.path.join(FIXTURES, "tokenizers"))
    if asked("tokenizers", "components"):
        components.make(os.path.join(FIXTURES, "tokenizers"))
    for spec in moee.SPECS:
        if asked("moee", spec.name):
            moee.make(spec, training, ROOT, os.path.join(FIXTURES, "moee"))


if __name__ == "__main__":
    main()
