#!/usr/bin/env python3
"""One Monet layer of ours beside PyTorch's einsum form: same weights, taking turns.

  compare_monet.py REFERENCE_LAYERS [--shape 1.4b|small] [--kind vd|hd] [--compute bf16|f32] [--n N,…] [--svg FILE]

REFERENCE_LAYERS   the file reference_layers.py: Router, MonetVD and MonetHD as the paper publishes them

Weights are random; BatchNorm's running statistics are fitted to the inputs first, so that about k keys
survive a head (printed). Before anything is timed, outputs are compared with PyTorch's float32: ours must be as
near as PyTorch's own are in the same type (within a factor of 1.5). In bf16 keys within rounding of the threshold flip,
on either side, so what counts is the 0.98 quantile over tokens of the relative distance.
Prints a line of JSON for each case: medians, and how many times PyTorch's time ours is. With several N, how the
time grows with n = √N: the exponent between the first and the last (1 = as √N), and a picture with --svg.
"""

import argparse
import importlib.util
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time

import torch
from safetensors.torch import load_file, save_file

SHAPES = {"1.4b": dict(hidden_size=2048, moe_heads=8, moe_dim=16, moe_experts=512, moe_topk=32),
          "small": dict(hidden_size=192, moe_heads=2, moe_dim=4, moe_experts=512, moe_topk=16)}
CASES = {"1.4b": (2048, 512, 1), "small": (2048, 1)}
QUANTILE = 0.98
INPUTS = 2048
DECODE_RUNS = 16  # one token is over too soon to be timed alone
PAUSE = 0.25      # seconds: threads may spin for a while after a run
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def reference(path):
    spec = importlib.util.spec_from_file_location("reference_layers", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Torch:
    def __init__(self, layers, config, kind):
        torch.manual_seed(1)
        config = layers.Cfg(config)
        self.router = layers.Router(config)
        self.experts = (layers.MonetVD if kind == "vd" else layers.MonetHD)(config)
        for name, parameter in self.experts.named_parameters():
            torch.nn.init.normal_(parameter, std=0.02 if parameter.dim() > 1 else 0.1)
        self.x = torch.randn(INPUTS, config.hidden_size)
        self.fit()
        self.router.eval()
        self.input = self.x

    def exact(self):
        """Outputs in float32, before the weights are narrowed."""
        return self.forward(0, INPUTS)

    def narrow(self, dtype):
        self.router.to(dtype)
        self.experts.to(dtype)
        self.input = self.x.to(dtype)

    @torch.inference_mode()
    def fit(self):
        for norm in (self.router.norm1, self.router.norm2):
            norm.momentum = 1.0
        self.router(self.x[None])

    @torch.inference_mode()
    def forward(self, first, tokens):
        x = self.input[None, first:first + tokens]
        return self.experts(x, self.router(x))[0]

    def run(self, first, tokens):
        start = time.perf_counter()
        self.forward(first, tokens)
        return time.perf_counter() - start

    def save(self, folder, config, kind):
        tensors = {}
        for prefix, module in (("router", self.router), ("moe", self.experts)):
            for name, tensor in module.state_dict().items():
                if tensor.is_floating_point():
                    tensors[f"model.layers.0.{prefix}.{name}"] = tensor.contiguous()
        save_file(tensors, os.path.join(folder, "model.safetensors"))
        save_file({"x": self.x}, os.path.join(folder, "input.safetensors"))
        with open(os.path.join(folder, "config.json"), "w") as file:
            json.dump({"model_type": "monet", "moe_decompose": "vertical" if kind == "vd" else "horizontal",
                       "moe_groups": 1, "vocab_size": 8, "max_position_embeddings": 64, "num_hidden_layers": 1,
                       "num_attention_heads": 4, "num_key_value_heads": 4, "hidden_act": "relu2",
                       "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "tie_word_embeddings": False,
                       "intermediate_size": None, **config}, file)


class Ours:
    """bench/monet_layer --serve: one line in, one run, one line of JSON out."""

    def __init__(self, build, folder, compute):
        self.command = [os.path.join(build, "bench", "monet_layer"), folder, "--compute", compute]
        self.process = subprocess.Popen([*self.command, "--serve"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def run(self, tokens, runs):
        """The median of so many runs in a row, as one object."""
        self.process.stdin.write(f"{tokens} {runs}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def output(self, folder):
        path = os.path.join(folder, "y.safetensors")
        subprocess.run([*self.command, "--out", path], check=True)
        return load_file(path)["y"]


def distance(y, exact):
    return ((y.float() - exact).norm(dim=1) / exact.norm(dim=1)).quantile(QUANTILE).item()


def verify(ours, theirs, exact):
    result = {"ours_to_f32": distance(ours, exact), "torch_to_f32": distance(theirs, exact)}
    allowed = max(1.5 * result["torch_to_f32"], 1e-5)
    if not result["ours_to_f32"] <= allowed:
        sys.exit(f"results differ: {result}, allowed {allowed}")
    return result


def compare(ours, peer, tokens, repetitions):
    runs = DECODE_RUNS if tokens == 1 else 1
    details, mine, others = [], [], []
    for repetition in range(repetitions + 1):
        time.sleep(PAUSE)
        answer = ours.run(tokens, runs)
        time.sleep(PAUSE)
        seconds = [peer.run((repetition * runs + i) * tokens % (INPUTS - tokens + 1), tokens) for i in range(runs)]
        if repetition == 0:
            continue  # warm
        details.append(answer)
        mine.append(answer["seconds"])
        others.append(statistics.median(seconds))

    def of(name):
        return statistics.median(detail[name] for detail in details)

    return {"tokens": tokens, "ours_s": statistics.median(mine), "torch_s": statistics.median(others),
            "ratio": statistics.median(others) / statistics.median(mine),
            "spread": [(max(v) - min(v)) / statistics.median(v) for v in (mine, others)],
            "survivors_a_head": of("survivors_a_head"), "kept_keys": of("kept_keys"),
            "router_s": of("router_seconds"), "dense_peak_share": of("dense_peak_share")}


def measure(arguments, keys):
    """The rows of all cases with so many keys a side, or of the shape's own (None)."""
    config = dict(SHAPES[arguments.shape])
    if keys:
        config["moe_experts"] = keys
    dtype = torch.bfloat16 if arguments.compute == "bf16" else torch.float32
    peer = Torch(reference(arguments.reference), config, arguments.kind)
    with tempfile.TemporaryDirectory() as folder:
        peer.save(folder, config, arguments.kind)
        exact = peer.exact()
        peer.narrow(dtype)
        ours = Ours(arguments.build, folder, arguments.compute)
        try:
            verified = verify(ours.output(folder), peer.forward(0, INPUTS), exact)
            for tokens in arguments.tokens or CASES[arguments.shape]:
                row = compare(ours, peer, tokens, arguments.repetitions)
                yield {"shape": arguments.shape, "kind": arguments.kind, "n": config["moe_experts"],
                       "compute": arguments.compute, **verified, **row}
        finally:
            ours.process.stdin.close()
            ours.process.wait()


def exponent(first, last, side):
    """p of time ~ n^p between two rows."""
    return math.log(last[side] / first[side]) / math.log(last["n"] / first["n"])


def picture(rows):
    """Microseconds a token against n, both axes logarithmic, as SVG, of the most and the fewest tokens. A dashed line grows
    as n = √N."""
    counts = [row["tokens"] for row in rows]
    rows = [row for row in rows if row["tokens"] in (min(counts), max(counts))]
    width, height, left, bottom = 640, 400, 70, 50
    xs = sorted({row["n"] for row in rows})
    series = {}
    for row in rows:
        for side, name in (("ours_s", "ours"), ("torch_s", "PyTorch")):
            series.setdefault((name, row["tokens"]), []).append((row["n"], 1e6 * row[side] / row["tokens"]))
    ys = [y for points in series.values() for _, y in points]
    low, high = 10 ** math.floor(math.log10(min(ys))), 10 ** math.ceil(math.log10(max(ys)))

    def place(x, y):
        across = (math.log(x) - math.log(xs[0])) / max(math.log(xs[-1] / xs[0]), 1e-9)
        up = (math.log(y) - math.log(low)) / math.log(high / low)
        return left + across * (width - left - 150), height - bottom - up * (height - bottom - 20)

    def line(points, style):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
        return f'<polyline points="{path}" fill="none" {style}/>'

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
             f'font-size="12"><rect width="{width}" height="{height}" fill="white"/>']
    for x in xs:
        at, _ = place(x, low)
        parts.append(f'<text x="{at:.1f}" y="{height - bottom + 18}" text-anchor="middle">{x}</text>')
    decade = low
    while decade <= high:
        _, at = place(xs[0], decade)
        parts.append(f'<line x1="{left}" x2="{width - 150}" y1="{at:.1f}" y2="{at:.1f}" stroke="#ddd"/>'
                     f'<text x="{left - 6}" y="{at + 4:.1f}" text-anchor="end">{decade:g}</text>')
        decade *= 10
    for (name, tokens), points in sorted(series.items()):
        color = "#c0392b" if name == "ours" else "#2c5f8a"
        dash = "" if tokens > 1 else ' stroke-dasharray="2 3"'
        parts.append(line(points, f'stroke="{color}" stroke-width="2"{dash}'))
        x, y = place(*points[-1])
        case = "decode" if tokens == 1 else f"{tokens} tokens"
        parts.append(f'<text x="{x + 6:.1f}" y="{y + 4:.1f}" fill="{color}">{name}, {case}</text>')
        if name == "ours":
            guide = [(x, points[-1][1] * x / xs[-1]) for x in (xs[0], xs[-1]) if points[-1][1] * x / xs[-1] >= low]
            if len(guide) == 2:
                parts.append(line(guide, 'stroke="#999" stroke-dasharray="6 4"'))
    parts.append(f'<text x="{(left + width - 150) / 2}" y="{height - 10}" text-anchor="middle">keys a side, n = √N</text>'
                 f'<text x="14" y="{height / 2}" transform="rotate(-90 14 {height / 2})" text-anchor="middle">'
                 'microseconds a token (grey: as √N)</text></svg>')
    return "\n".join(parts) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("reference")
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--shape", default="1.4b", choices=SHAPES)
    parser.add_argument("--kind", default="vd", choices=("vd", "hd"))
    parser.add_argument("--compute", default="bf16", choices=("bf16", "f32"))
    numbers = {"type": lambda text: [int(part) for part in text.split(",")]}
    parser.add_argument("--n", **numbers, default=[None], help="keys a side, in place of the shape's; several: a sweep")
    parser.add_argument("--svg", help="picture of a sweep")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--tokens", **numbers)
    arguments = parser.parse_args()
    rows = []
    for keys in arguments.n:
        for row in measure(arguments, keys):
            rows.append(row)
            print(json.dumps(row), flush=True)
    if len(arguments.n) > 1:
        for tokens in dict.fromkeys(row["tokens"] for row in rows):
            of_case = [row for row in rows if row["tokens"] == tokens]
            growth = {side: round(exponent(of_case[0], of_case[-1], side), 3) for side in ("ours_s", "torch_s")}
            print(json.dumps({"tokens": tokens, "n": [of_case[0]["n"], of_case[-1]["n"]], "exponent_of_n": growth}))
    if arguments.svg:
        with open(arguments.svg, "w", encoding="utf-8") as file:
            file.write(picture(rows))


if __name__ == "__main__":
    main()
