#!/usr/bin/env python3
"""Does cost grow linearly with the number of texts, and memory not at all?

  linear.py [--texts 100,1000,10000,100000] [--program build/release/expertoire]

Embeds that many short texts (sentences that ship, each with a number in front, so that no two are
the same) with the default model, kind sum, and prints seconds, texts a second and peak memory.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def sentences():
    with open(os.path.join(ROOT, "data", "calibration", "openstax.jsonl"), encoding="utf-8") as file:
        return [json.loads(line)["text"] for line in file]


def embed(program, texts, folder):
    """Seconds and peak resident MB of one `expertoire embed`."""
    source = os.path.join(folder, "texts.txt")
    with open(source, "w", encoding="utf-8") as file:
        file.writelines(text + "\n" for text in texts)
    start = time.perf_counter()
    process = subprocess.Popen([program, "embed", "--kind", "sum", "--input", source,
                                "--out", os.path.join(folder, "vectors.npy")])
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"embed failed with status {status}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--texts", default="100,1000,10000,100000")
    parser.add_argument("--program", default=os.path.join(ROOT, "build", "release", "expertoire"))
    arguments = parser.parse_args()
    pool = sentences()
    print(f"{'texts':>8} {'seconds':>9} {'texts/s':>9} {'peak MB':>9}")
    for count in map(int, arguments.texts.split(",")):
        texts = [f"{i} {pool[i % len(pool)]}" for i in range(count)]
        with tempfile.TemporaryDirectory() as folder:
            seconds, memory = embed(arguments.program, texts, folder)
        print(f"{count:8} {seconds:9.2f} {count / seconds:9.0f} {memory:9.0f}", flush=True)


if __name__ == "__main__":
    main()
