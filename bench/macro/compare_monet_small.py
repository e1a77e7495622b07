#!/usr/bin/env python3
"""The whole of monet-small in our engine and in plain PyTorch, taking turns: prefill of 8 x 256 tokens to the last norm, and
decode, logits included. In decode the plain reference, which keeps no cache, gets one token without any before it: less work
than ours, which attends to 12 and more.

    compare_monet_small.py SHARED [--rounds 5] [--threads N] [--model DIR]

SHARED/bench/reference_layers.py is the plain PyTorch reference, in the einsum form that the paper publishes; its router
gets the norm of each key here. Logits of a text are compared first, in float32."""

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build/release/expertoire"
TEXT = "Photosynthesis converts light energy into chemical energy. def add(a, b): return a + b"


def by_key(reference):
    """The reference's router with BatchNorm statistics of each key of each head."""
    import torch
    from torch import nn

    class Router(reference.Router):
        def __init__(self, c):
            super().__init__(c)
            self.norm1 = nn.BatchNorm1d(c.moe_heads * c.moe_experts, affine=False)
            self.norm2 = nn.BatchNorm1d(c.moe_heads * c.moe_experts, affine=False)

        def side(self, w, bn, x):
            z = w(x)
            v = bn(z.flatten(0, 1)).view(*z.shape[:2], self.c.moe_heads, self.c.moe_experts)
            z = z.unflatten(-1, (self.c.moe_heads, self.c.moe_experts))
            tau = torch.distributions.Normal(0.0, 1.0).icdf(
                torch.tensor(1 - self.c.moe_topk / self.c.moe_experts, dtype=torch.float64)).item()
            keep = v >= v.amax(-1, keepdim=True).clamp(max=tau)
            return z.masked_fill(~keep, -1e10).softmax(-1), v, keep

    return Router


def load(shared, folder):
    """The model of a folder in PyTorch, float32."""
    sys.path.insert(0, str(Path(shared) / "bench"))
    import reference_layers
    from safetensors.torch import load_file
    config = json.loads((Path(folder) / "config.json").read_text())
    config = {key: config[key] for key in (
        "hidden_size", "num_attention_heads", "num_key_value_heads", "vocab_size", "num_hidden_layers", "rope_theta",
        "rms_norm_eps", "moe_experts", "moe_topk", "moe_heads", "moe_dim", "moe_groups")} | {"kind": "monet_vd"}
    reference_layers.Router = by_key(reference_layers)
    model = reference_layers.Model(reference_layers.Cfg(config)).eval()
    weights = {name: tensor.float() for name, tensor in load_file(Path(folder) / "model.safetensors").items()}
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    missing, left = model.load_state_dict(weights, strict=False)
    assert not left and all(name.endswith("num_batches_tracked") for name in missing), (missing, left)
    return model


def run(*arguments):
    return subprocess.run([str(PROGRAM), *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def verify(model, folder):
    """Largest distance of the logits of TEXT, relative to the largest logit."""
    import torch
    from safetensors.torch import load_file
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        (place / "text.jsonl").write_text(json.dumps({"text": TEXT}) + "\n")
        ids = json.loads(run("tokenize", "--model", folder, "--json", "--input", place / "text.jsonl"))["ids"]
        (place / "ids.json").write_text(json.dumps([ids]))
        run("forward", "--model", folder, "--ids", place / "ids.json", "--stages", "logits", "--compute", "f32", "--out",
            place / "o.safetensors")
        ours = load_file(place / "o.safetensors")["logits"]
    with torch.no_grad():
        theirs = model(torch.tensor([ids]))[0]
    return ((ours - theirs).abs().max() / theirs.abs().max()).item()


DECODE_STEPS = 32


def torch_pass(model, ids, logits):
    """One pass over `ids` to the last norm, or to the logits."""
    import torch
    inner = model.model
    with torch.inference_mode():
        x, routing = inner.embed_tokens(ids), None
        for layer in inner.layers:
            x, routing = layer(x, routing)
        x = inner.norm(x)
        return model.lm_head(x) if logits else x


def torch_rate(model, ids, case):
    """Tokens a second."""
    if case == "decode":
        steps = [ids[:1, i:i + 1] for i in range(DECODE_STEPS)]
        start = time.perf_counter()
        for step in steps:
            torch_pass(model, step, True)
        return DECODE_STEPS / (time.perf_counter() - start)
    start = time.perf_counter()
    torch_pass(model, ids, False)
    return ids.numel() / (time.perf_counter() - start)


def our_rate(folder, compute, threads, case):
    row = json.loads(run("bench", "--model", folder, "--case", case, "--runs", 3, "--compute", compute, "--threads",
                         threads, "--json"))
    return row["tokens"] / row["median_s"]


def compare(model, ids, options, compute):
    """Prints the medians of both sides and their ratio, for each case."""
    for case in ("8x256", "decode"):
        torch_rate(model, ids, case)
        pairs = [(our_rate(options.model, compute, options.threads, case), torch_rate(model, ids, case))
                 for _ in range(options.rounds)]
        ours, theirs = (sorted(pair[side] for pair in pairs) for side in (0, 1))
        ratios = [pair[0] / pair[1] for pair in pairs]
        print(f"{compute} {case}: ours {statistics.median(ours):.0f} tokens/s ({ours[0]:.0f} to {ours[-1]:.0f}), PyTorch "
              f"{statistics.median(theirs):.0f} ({theirs[0]:.0f} to {theirs[-1]:.0f}), "
              f"{statistics.median(ratios):.2f} x ({min(ratios):.2f} to {max(ratios):.2f})", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--model", default=str(ROOT / "models/monet-small"))
    options = parser.parse_args()
    import torch
    torch.set_num_threads(options.threads)
    model = load(options.shared, options.model)
    distance = verify(model, options.model)
    print(f"logits differ by {distance:.1e} of the largest", flush=True)
    assert distance < 1e-4 and math.isfinite(distance)
    ids = torch.randint(model.c.vocab_size, (8, 256), generator=torch.Generator().manual_seed(1))
    for compute, dtype in (("f32", torch.float32), ("bf16", torch.bfloat16)):
        compare(model.to(dtype), ids, options, compute)


if __name__ == "__main__":
    main()
