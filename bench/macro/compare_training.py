#!/usr/bin/env python3
"""Time training steps of expertoire-train and of the same modules in PyTorch, taking turns.

    compare_training.py SHARED [--rounds 3] [--seconds 5] [--only NAME]

SHARED/bench/reference_layers.py is the plain PyTorch reference. A `layer` is router and experts of
one Monet layer, forward and backward, as SHARED/bench/peer_monet.py --train times it; a `model` is a
whole step: forward, backward, clipping, AdamW. Prints a line of JSON a measurement and a table."""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SMALL = dict(hidden_size=256, num_attention_heads=8, num_key_value_heads=8, vocab_size=8192,
             num_hidden_layers=6, rope_theta=10000.0, rms_norm_eps=1e-6,
             tie_word_embeddings=True, intermediate_size=1024, moe_experts=512, moe_topk=32,
             moe_heads=4, moe_dim=8, moe_groups=2, lambda_unif=1e-3, lambda_amb=1e-3,
             balance_coef=0.01, z_coef=0.001, num_experts=8, num_experts_per_tok=2, peer_keys=64,
             peer_key_dim=32, peer_heads=4, peer_topk=8)
BIG = SMALL | dict(hidden_size=2048, moe_heads=8, moe_dim=16)
# name: layer or model, configuration, sequences, tokens a sequence
CASES = {
    "vd-small-layer": ("layer", SMALL | {"kind": "monet_vd"}, 8, 256),
    "hd-small-layer": ("layer", SMALL | {"kind": "monet_hd"}, 8, 256),
    "vd-1.4b-layer": ("layer", BIG | {"kind": "monet_vd"}, 4, 256),
    "hd-1.4b-layer": ("layer", BIG | {"kind": "monet_hd"}, 4, 256),
    "vd-small-model": ("model", SMALL | {"kind": "monet_vd"}, 8, 256),
    "hd-small-model": ("model", SMALL | {"kind": "monet_hd"}, 8, 256),
    "dense-small-model": ("model", SMALL | {"kind": "dense"}, 8, 256),
    "smoe-small-model": ("model", SMALL | {"kind": "smoe", "intermediate_size": 256}, 8, 256),
    "peer-small-model": ("model", SMALL | {"kind": "peer"}, 8, 256),
}


def reference(shared, name, seconds):
    """In a process of its own, so that its peak memory is its own."""
    sys.path.insert(0, str(Path(shared) / "bench"))
    import torch

    import reference_layers as R
    what, config, sequences, length = CASES[name]
    torch.manual_seed(1)
    c = R.Cfg(config)
    if what == "layer":
        router, experts = R.Router(c), (R.MonetVD if c.kind == "monet_vd" else R.MonetHD)(c)
        x = torch.randn(1, sequences * length, c.hidden_size, requires_grad=True)

        def step():
            experts(x, router(x)).square().mean().backward()
    else:
        model = R.Model(c)
        model.lm_head.weight = model.model.embed_tokens.weight
        for parameter in model.parameters():
            if parameter.dim() > 1:
                torch.nn.init.normal_(parameter, 0, 0.02)
        optimizer = R.optimizer(model, 1e-5)
        ids = torch.randint(c.vocab_size, (sequences, length + 1))

        def step():
            optimizer.zero_grad()
            model.losses(ids[:, :-1], ids[:, 1:])["total"].backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
    step()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    tokens = sequences * length
    print(json.dumps({"tokens_per_s_median": tokens / statistics.median(times),
                      "tokens_per_s_best": tokens / min(times), "repetitions": len(times),
                      "threads": torch.get_num_threads(),
                      "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def measure(side, name, args):
    what, config, sequences, length = CASES[name]
    if side == "pytorch":
        command = [sys.executable, __file__, args.shared, "--reference", name,
                   "--seconds", str(args.seconds)]
    else:
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
            json.dump(config, file)
        command = [args.program, "bench", "--model", file.name, "--sequences", str(sequences),
                   "--length", str(length), "--seconds", str(args.seconds)]
        command += ["--layer"] if what == "layer" else []
        command += ["--bf16"] if side == "ours-bf16" else []
    line = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    row = {"case": name, "side": side} | json.loads(line)
    print(json.dumps(row), flush=True)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shared")
    parser.add_argument("--program", default=str(ROOT / "build/release/expertoire-train"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--sides", default="ours,pytorch")
    parser.add_argument("--reference", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.reference:
        return reference(args.shared, args.reference, args.seconds)
    table = []
    for name in (name for name in CASES if args.only in name):
        rows = [measure(side, name, args) for _ in range(args.rounds)
                for side in args.sides.split(",")]
        line = [name]
        for side in args.sides.split(","):
            mine = [row for row in rows if row["side"] == side]
            line += [max(row["tokens_per_s_best"] for row in mine),
                     statistics.median(row["tokens_per_s_median"] for row in mine),
                     max(row["peak_rss_mib"] for row in mine)]
        table.append(line)
    print("case, then best and median tokens/s and peak MiB of", args.sides)
    for line in table:
        print(f"{line[0]:<20}" + "".join(f"{value:>10.0f}" for value in line[1:]))


if __name__ == "__main__":
    main()
