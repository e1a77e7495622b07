#!/usr/bin/env python3
"""Our engine beside PyTorch/transformers and llama.cpp: same weights, same cases, taking turns.

  compare.py MODEL_FOLDER [--llama BIN_FOLDER --gguf FILE] [--out results.json]

MODEL_FOLDER   a Hugging Face folder (bench/macro/make_slice.py writes slices of real shapes)
--llama        folder with llama-batched-bench and llama-bench (bench/peers/build_llamacpp)
--gguf         the same model as bf16 GGUF (bench/peers/build_llamacpp converts it)

Before anything is timed, hidden states after the final norm are compared on a few texts: ours in
bf16 must be as near to PyTorch's float32 as PyTorch's own bf16 is (within a factor of 1.5).
Each repetition of a case runs every engine once, so that a disturbance of the machine hits all.
PyTorch runs at its best: no lm_head in prefill, inference mode, the fastest of transformers'
experts implementations by trial; for `mixed` (texts of unequal length) the fastest of several
batch sizes of texts sorted by length, padded. Our engine gets them in the given order.
Prints a table of medians and ratios; spread is (worst - best) / median.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch  # noqa: E402
import transformers  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

CASES = {"64x32": 7, "8x256": 7, "1x256": 9, "4x16": 15, "1x12": 15, "mixed": 3, "decode": 15}
BATCHED_MM_TOKENS = 64  # batched_mm copies the weights of every (token, expert) pair
DECODE_STEPS = 8
PAUSE = 0.25  # seconds: an engine's threads may spin for a while after its run
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def mixed_lengths():
    """The rule of src/eval/speed.cc."""
    lengths, state = [], 1
    for _ in range(256):
        state = (state * 1664525 + 1013904223) % 2**32
        lengths.append(4 + (state >> 16) % 125)
    return lengths


def lengths_of(case):
    if case == "mixed":
        return mixed_lengths()
    texts, tokens = map(int, case.split("x"))
    return [tokens] * texts


class Ours:
    """bench/slice_bench --serve: one line in, one run, one line of JSON out."""

    def __init__(self, build, model, compute):
        command = [os.path.join(build, "bench", "slice_bench"), model, "--serve", "--compute", compute]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.details = {}

    def run(self, case):
        self.process.stdin.write(case + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        self.details.setdefault(case, []).append(answer)
        return answer["seconds"] / answer["tokens"]


class Torch:
    def __init__(self, folder, dtype):
        self.causal = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()
        self.model, self.head = self.causal.model, self.causal.lm_head
        self.vocab = self.model.config.vocab_size
        self.best = {}  # case -> (implementation, batch size)
        self.cache = None

    def batches(self, case, size):
        lengths = sorted(lengths_of(case))
        for first in range(0, len(lengths), size):
            part = lengths[first:first + size]
            ids = torch.randint(2, self.vocab - 64, (len(part), max(part)),
                                generator=torch.Generator().manual_seed(first))
            mask = torch.arange(max(part))[None] < torch.tensor(part)[:, None]
            yield ids, None if min(part) == max(part) else mask.long()

    def prefill(self, case, size):
        for ids, mask in self.batches(case, size):
            self.model(input_ids=ids, attention_mask=mask, use_cache=False)

    def decode(self):
        ids = torch.arange(2, 14)[None]
        cache = self.model(input_ids=ids, use_cache=True).past_key_values
        start = time.perf_counter()
        for _ in range(DECODE_STEPS):
            out = self.model(input_ids=ids[:, :1], past_key_values=cache, use_cache=True)
            self.head(out.last_hidden_state)
        return time.perf_counter() - start

    def seconds(self, case, size):
        if case == "decode":
            return self.decode()
        start = time.perf_counter()
        self.prefill(case, size)
        return time.perf_counter() - start

    def settle(self, case):
        """Tries what transformers offers and keeps the fastest."""
        tokens = DECODE_STEPS if case == "decode" else sum(lengths_of(case))
        sizes = [8, 16, 32, 64] if case == "mixed" else [4096]
        tried = {}
        for name in ("eager", "batched_mm", "grouped_mm"):
            if name == "batched_mm" and tokens > BATCHED_MM_TOKENS:
                continue
            if case == "mixed" and name != self.best.get("8x256", (name,))[0]:
                continue  # settled by batches of about the same size
            self.model.set_experts_implementation(name)
            for size in sizes:
                tried[name, size] = min(self.seconds(case, size) for _ in range(1 if case == "mixed" else 3))
        self.best[case] = min(tried, key=tried.get)

    def run(self, case):
        with torch.inference_mode():
            if case not in self.best:
                self.settle(case)
            name, size = self.best[case]
            self.model.set_experts_implementation(name)
            tokens = DECODE_STEPS if case == "decode" else sum(lengths_of(case))
            return self.seconds(case, size) / tokens


class Llama:
    """One process a run, which loads the model first; only its own timing counts."""

    def __init__(self, folder, gguf, threads):
        self.folder, self.gguf, self.threads = folder, gguf, str(threads)

    def output(self, program, *arguments):
        command = [os.path.join(self.folder, program), "-m", self.gguf, "-t", self.threads, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def run(self, case):
        if case == "mixed":
            return None  # its benchmark has no such case
        if case == "decode":
            row = self.output("llama-bench", "-p", "0", "-n", "32", "-r", "1", "-o", "jsonl")[0]
            return 1 / row["avg_ts"]
        texts, tokens = map(int, case.split("x"))
        rows = self.output("llama-batched-bench", "-tb", self.threads, "-c", "4096", "-b", "2048",
                           "-ub", "2048", "-npp", str(tokens), "-ntg", "1", "-npl", str(texts),
                           "--output-format", "jsonl")
        return 1 / rows[0]["speed_pp"]


def verify(build, model, compute, peer):
    """Distance to PyTorch's float32: ours and PyTorch's own, over a few texts of random ids."""
    generator = torch.Generator().manual_seed(5)
    texts = [torch.randint(2, peer.vocab - 64, (n,), generator=generator) for n in (5, 16, 60)]
    with tempfile.TemporaryDirectory() as folder:
        ids, out = os.path.join(folder, "ids.json"), os.path.join(folder, "out.safetensors")
        with open(ids, "w") as file:
            json.dump([text.tolist() for text in texts], file)
        subprocess.run([os.path.join(build, "expertoire"), "forward", "--model", model, "--ids", ids,
                        "--stages", "final_norm", "--compute", compute, "--out", out], check=True)
        ours = load_file(out)["final_norm"]

    def states(causal):
        with torch.inference_mode():
            return torch.cat([causal.model(input_ids=t[None]).last_hidden_state[0].float() for t in texts])

    theirs = states(peer.causal)
    exact = states(peer.causal.float()) if compute == "bf16" else theirs
    if compute == "bf16":
        peer.causal.bfloat16()
    scale = exact.norm()
    result = {"ours_to_f32": ((ours - exact).norm() / scale).item(),
              "torch_to_f32": ((theirs - exact).norm() / scale).item()}
    allowed = max(1.5 * result["torch_to_f32"], 1e-5)
    print(f"distance to PyTorch float32: ours {result['ours_to_f32']:.2e}, "
          f"PyTorch {compute} {result['torch_to_f32']:.2e}", file=sys.stderr)
    if not result["ours_to_f32"] <= allowed:
        sys.exit(f"results differ: {result}, allowed {allowed}")
    return result


def compare(engines, cases, scale):
    rows = []
    for case in cases:
        times = {name: [] for name in engines}
        for name, engine in engines.items():
            engine.run(case)  # warm
        for repetition in range(max(3, int(CASES[case] * scale))):
            for name, engine in engines.items():
                if name == "llama.cpp" and repetition >= 3:
                    continue
                time.sleep(PAUSE)
                times[name].append(engine.run(case))
        row = {"case": case}
        for name, values in times.items():
            values = [value for value in values if value is not None]
            if not values:
                continue
            middle = statistics.median(values)
            row[name] = {"tokens_per_s": 1 / middle, "spread": (max(values) - min(values)) / middle,
                         "best_tokens_per_s": 1 / min(values), "runs": len(values)}
        ours = engines["ours"].details[case][1:]
        for share in ("peak_share", "bandwidth_share"):
            row["ours"][share] = statistics.median(run[share] for run in ours)
        row["torch"]["choice"] = engines["torch"].best[case]
        rows.append(row)
        show(row)
    return rows


def show(row):
    ours = row["ours"]
    text = (f"{row['case']:7} ours {ours['tokens_per_s']:8.1f} tok/s ±{ours['spread']:4.0%}"
            f"  {ours['peak_share']:5.1%} of peak {ours['bandwidth_share']:6.1%} of DRAM read")
    for name in ("torch", "llama.cpp"):
        if name in row:
            peer = row[name]
            text += (f" | {name} {peer['tokens_per_s']:8.1f} ±{peer['spread']:4.0%}"
                     f"  x{ours['tokens_per_s'] / peer['tokens_per_s']:.2f}")
    print(text, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--compute", default="bf16", choices=("bf16", "f32"))
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--scale", type=float, default=1.0, help="times the usual repetitions")
    parser.add_argument("--llama")
    parser.add_argument("--gguf")
    parser.add_argument("--out")
    arguments = parser.parse_args()
    dtype = torch.bfloat16 if arguments.compute == "bf16" else torch.float32
    engines = {"ours": Ours(arguments.build, arguments.model, arguments.compute),
               "torch": Torch(arguments.model, dtype)}
    if arguments.llama:
        engines["llama.cpp"] = Llama(arguments.llama, arguments.gguf, os.cpu_count())
    checked = verify(arguments.build, arguments.model, arguments.compute, engines["torch"])
    rows = compare(engines, arguments.cases.split(","), arguments.scale)
    if arguments.out:
        with open(arguments.out, "w") as file:
            json.dump({"model": os.path.basename(os.path.normpath(arguments.model)),
                       "compute": arguments.compute, "torch": torch.__version__,
                       "transformers": transformers.__version__, "threads": os.cpu_count(),
                       "verified": checked, "cases": rows}, file, indent=1)


if __name__ == "__main__":
    main()
