"""Running build/release/expertoire (or EXPERTOIRE_PROGRAM) as its users do."""

import os
import signal
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = Path(os.environ.get("EXPERTOIRE_PROGRAM", ROOT / "build/release/expertoire")).resolve()
TRAINER = Path(os.environ.get("EXPERTOIRE_TRAINER", ROOT / "build/release/expertoire-train")).resolve()
CORPUS = ROOT / "data/calibration/openstax.jsonl"

# docs/cli.md
INVALID, NOT_FOUND, BAD_FILE, TOO_LONG, IO, NUMERIC, CANCELLED = 2, 3, 4, 6, 7, 8, 130


def run(*arguments, **options):
    options = {"capture_output": True, "timeout": 300, **options}
    return subprocess.run([PROGRAM, *map(str, arguments)], **options)


def start(*arguments, **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen([PROGRAM, *map(str, arguments)], **options)


def sentence(stderr):
    """The one line that a failure prints."""
    lines = stderr.decode().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("expertoire: "), lines
    return lines[0]


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def corpus(path, lines):
    """A file of so many lines: those of the corpus, again and again."""
    have = CORPUS.read_text().splitlines(keepends=True)
    path.write_text("".join(have * (lines // len(have)) + have[:lines % len(have)]))
    return path


def wait_until_it_catches(process, number, seconds=60):
    """Returns once the program has its own handler for a signal: it is past its options."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("SigCgt:") and int(line.split()[1], 16) >> (number - 1) & 1:
                return
        time.sleep(0.005)
    raise AssertionError(f"no handler for {signal.Signals(number).name}: {process.poll()}")
