"""What a kind of layers costs, on one thread of a quiet machine: the engine's speed, a training step's speed and memory."""

import json
import subprocess
import tempfile
from pathlib import Path
from statistics import median

ROUNDS = 3
SECONDS = 3  # of a round, each


def run(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"study: {' '.join(map(str, command))} failed: {done.stderr.strip()}")
    return json.loads(done.stdout)


def engine_speed(program, model, case):
    """Tokens a second of the engine, best of seven."""
    row = run([program, "bench", "--model", model, "--case", case, "--threads", 1, "--json"])
    return row["tokens"] / row["best_s"]


def training_cost(trainer, models):
    """{name: (tokens a second, peak MiB of the process)} of training steps of `models`: the median of rounds in which they
    take turns."""
    rows = {name: [] for name in models}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(ROUNDS):
            for name, model in models.items():
                config = Path(folder) / "model.json"
                config.write_text(json.dumps(model))
                rows[name].append(run([trainer, "bench", "--model", config, "--seconds", SECONDS, "--threads", 1]))
    return {name: (median(row["tokens_per_s_median"] for row in rows[name]), median(row["peak_rss_mib"] for row in rows[name]))
            for name in models}
