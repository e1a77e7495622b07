#!/usr/bin/env python3
"""Memory of `expertoire experts index` against the tokens that it has read.

  index_memory.py --out samples.jsonl [--every SECONDS] [--step TOKENS] -- build/release/expertoire experts index …

Runs the command on a terminal of its own, whose progress says the tokens, and reads VmRSS, VmHWM and RssAnon of
/proc/PID/status beside it. Prints a row of a table every --step tokens. Linux only.
"""

import argparse
import json
import os
import pty
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

FIELDS = ("VmRSS", "RssAnon", "VmHWM")


def memory(pid):
    """MiB of each of FIELDS; of a process that has just ended, None."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {name: int(lines[name].split()[0]) / 1024 for name in FIELDS} if FIELDS[0] in lines else None


def follow(terminal, seen):
    """The latest tokens of the progress go to seen["tokens"] until the terminal is closed."""
    rest = ""
    while True:
        try:
            rest = rest[-200:] + os.read(terminal, 4096).decode("utf-8", "replace")
        except OSError:  # closed
            return
        found = re.findall(r"(\d+) tokens", rest)
        if found:
            seen["tokens"] = int(found[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="every sample as a line of JSON")
    parser.add_argument("--every", type=float, default=2.0, help="seconds between samples (default 2)")
    parser.add_argument("--step", type=float, default=1e6, help="tokens between rows (default 1e6)")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    master, slave = pty.openpty()
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=slave)
    os.close(slave)
    seen = {"tokens": 0}
    threading.Thread(target=follow, args=(master, seen), daemon=True).start()
    start, due = time.time(), 0.0
    print("| tokens read | " + " | ".join(FIELDS) + " |\n|---|" + "---|" * len(FIELDS), flush=True)
    with options.out.open("w") as out:
        while os.waitid(os.P_PID, running.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            now = memory(running.pid)
            if now:
                sample = {"seconds": round(time.time() - start, 1), "tokens": seen["tokens"]} | now
                out.write(json.dumps(sample) + "\n")
                out.flush()
                if sample["tokens"] >= due and sample["tokens"] > 0:
                    print(f"| {sample['tokens']:,} | " + " | ".join(f"{now[name]:.0f} MiB" for name in FIELDS) + " |", flush=True)
                    due = (sample["tokens"] // options.step + 1) * options.step
            time.sleep(options.every)
    _, status, used = os.wait4(running.pid, 0)
    print(f"highest of the whole run: {used.ru_maxrss / 1024:.0f} MiB")
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
