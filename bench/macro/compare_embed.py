#!/usr/bin/env python3
"""Embedding a file of sentence pairs: `expertoire embed` beside transformers, whole processes' work, taking turns.

    compare_embed.py PAIRS.jsonl [--model models/olmoe-small] [--rounds 3] [--batches 32,64,128,256]

Kind sum (alpha 1) with PromptEOL: the hidden state and the router's logits of the last token, as the MoEE paper's code takes
them. transformers runs the same token ids, sorted by length and padded on the left in batches of each size, in the type that
is faster for it (float32 or bfloat16), its model loaded before the clock starts. Our time is that of the whole program, loading
and tokenizing included; a run with one text says how much of that is loading. First both must give the same vectors: cosine of each pair of rows at least 0.9999 in float32."""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from transformers import AutoTokenizer, OlmoeForCausalLM

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build/release/expertoire"
PAUSE = 3  # seconds before a run: after ten busy seconds some machines slow down, so each side starts rested
TEMPLATE = 'This sentence : "{}" means in one word:"'


def read_texts(path):
    with open(path, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file if line.strip()]
    return [row[side] for row in rows for side in ("sentence1", "sentence2")]


def ours(texts, model, out, *options):
    """Seconds of the whole program."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": text}) + "\n" for text in texts)
        file.flush()
        begun = time.perf_counter()
        subprocess.run([PROGRAM, "embed", "--model", model, "--kind", "sum", "--prompt", "prompteol", "--input", file.name,
                        "--out", out, *options], check=True)
        return time.perf_counter() - begun


class Reference:
    def __init__(self, model):
        self.tokenizer = AutoTokenizer.from_pretrained(model)
        self.models = {dtype: OlmoeForCausalLM.from_pretrained(model, dtype=dtype).eval() for dtype in (torch.float32, torch.bfloat16)}

    @torch.inference_mode()
    def embed(self, texts, batch, dtype):
        """[texts, hidden + layers * experts], and the seconds."""
        begun = time.perf_counter()
        ids = [self.tokenizer(TEMPLATE.format(text.strip()))["input_ids"] for text in texts]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        vectors = [None] * len(ids)
        for begin in range(0, len(order), batch):
            chosen = order[begin:begin + batch]
            longest = max(len(ids[i]) for i in chosen)
            tokens = torch.zeros(len(chosen), longest, dtype=torch.long)
            mask = torch.zeros(len(chosen), longest, dtype=torch.long)
            for row, i in enumerate(chosen):
                tokens[row, longest - len(ids[i]):] = torch.tensor(ids[i])
                mask[row, longest - len(ids[i]):] = 1
            done = self.models[dtype].model(tokens, attention_mask=mask, output_router_logits=True)
            hidden = done.last_hidden_state[:, -1].float()
            routing = torch.cat([layer.view(len(chosen), longest, -1)[:, -1].float() for layer in done.router_logits], dim=1)
            both = torch.cat([hidden / hidden.norm(dim=1, keepdim=True), routing / routing.norm(dim=1, keepdim=True)], dim=1)
            for row, i in enumerate(chosen):
                vectors[i] = both[row]
        return torch.stack(vectors).numpy(), time.perf_counter() - begun


def cosines(a, b):
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def rested(run):
    time.sleep(PAUSE)
    return run()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--model", type=Path, default=ROOT / "models/olmoe-small")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batches", type=lambda text: [int(part) for part in text.split(",")], default=[32, 64, 128, 256])
    arguments = parser.parse_args()
    texts = read_texts(arguments.pairs)
    reference = Reference(arguments.model)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "v.npy"
        few = texts[:200]
        ours(few, arguments.model, out, "--compute", "f32")
        worst = cosines(np.load(out), reference.embed(few, 32, torch.float32)[0]).min()
        if not worst >= 0.9999:
            sys.exit(f"vectors differ: the lowest cosine is {worst}")
        trials = {(batch, dtype): reference.embed(texts[:600], batch, dtype)[1] for batch in arguments.batches for dtype in reference.models}
        batch, dtype = min(trials, key=trials.get)
        mine, loading, theirs = [], [], []
        for _ in range(arguments.rounds):
            loading.append(rested(lambda: ours(texts[:1], arguments.model, out)))
            mine.append(rested(lambda: ours(texts, arguments.model, out)))
            theirs.append(rested(lambda: reference.embed(texts, batch, dtype)[1]))
    load, whole, peer = (statistics.median(v) for v in (loading, mine, theirs))
    print(json.dumps({"texts": len(texts), "lowest_cosine_f32": float(worst), "ours_s": whole, "of_that_loading_s": load,
                      "transformers_s": peer, "batch": batch, "dtype": str(dtype), "ratio": peer / whole,
                      "ratio_without_loading": peer / (whole - load),
                      "spread": [(max(v) - min(v)) / statistics.median(v) for v in (mine, theirs)]}))


if __name__ == "__main__":
    main()
