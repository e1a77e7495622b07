"""What the Python tests share: the program under test, and the reference that answers the same."""

import json
import os
import subprocess
import sys

import pytest
from program import PROGRAM, ROOT

sys.path.insert(0, str(ROOT / "scripts"))  # the package `oracle`


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def program():
    """EXPERTOIRE_PROGRAM, or the release build's. Missing is a failure: nothing would be tested."""
    assert PROGRAM.is_file(), f"no program {PROGRAM}: build it, or set EXPERTOIRE_PROGRAM"
    return PROGRAM


@pytest.fixture(scope="session")
def run(program):
    """run(*arguments): the finished process, which must end with `code`; text, not bytes."""
    def call(*arguments, stdin=None, code=0, env=None, cwd=None, executable=program):
        done = subprocess.run([str(executable), *map(str, arguments)], input=stdin, cwd=cwd,
                              capture_output=True, encoding="utf-8", env=os.environ | (env or {}))
        assert done.returncode == code, (done.returncode, done.stdout[-500:], done.stderr[-2000:])
        return done
    return call


@pytest.fixture(scope="session")
def sentences():
    with open(ROOT / "data/calibration/openstax.jsonl", encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines]


class Reference:
    """The default model and its tokenizer in transformers: float32, eager."""

    def __init__(self):
        import torch
        from transformers import AutoTokenizer
        from transformers.utils import logging

        from oracle import checkpoint, outputs
        torch.set_num_threads(1)  # two spin when the machine is busy
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        folder = str(ROOT / "models/olmoe-small")
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = checkpoint.load_reference(folder)
        self._stages = outputs.Stages(self.model)
        self._run = outputs.run

    def ids(self, text):
        return self.tokenizer(text)["input_ids"]

    def stages(self, ids):
        """Every stage by the goldens' names, as numpy arrays of one row a token."""
        kept = self._run(self.model, self._stages, ids)
        return {name: tensor.float().numpy() for name, tensor in kept.items()}


@pytest.fixture(scope="session")
def reference():
    return Reference()
