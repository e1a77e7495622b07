"""Numbers of the study, read from the logs of its runs and from the engine."""

import json
import subprocess
import sys
from statistics import mean


def records(log):
    """(the run's configuration, steps, held-out records) of a log.jsonl."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    steps = [line for line in lines if "loss" in line]
    held = [line for line in lines if "held_out_loss" in line]
    return lines[0]["run"], steps, held


def average(value):
    """A number, or the mean of a list with one for each router; None where there is none."""
    if value is None or value == []:
        return None
    return mean(value) if isinstance(value, list) else value


def result(log):
    """What a run came to: held-out loss, speed of training, and of Monet how its keys are used."""
    run, steps, held = records(log)
    last = held[-1]
    survivors = [average(last.get(side)) for side in ("survivors1", "survivors2")]
    rates = sorted(step["tokens_per_second"] for step in steps)
    return {"loss": last["held_out_loss"], "parameters": run["parameters"], "tokens": last["tokens"],
            "seconds": last["seconds"], "tokens_per_second": rates[len(rates) // 2],
            "keys_used": average(last.get("keys_used")), "unif": average(last.get("unif")),
            "amb": average(last.get("amb")), "survivors": None if None in survivors else mean(survivors),
            "k": run["model"].get("moe_topk"), "load_max": average(steps[-1].get("load_max"))}


def collect(out, runs):
    """{table: {setting: [result, one for each seed]}} of the runs that have a finished log."""
    tables = {}
    for run in runs:
        log = out / run.name / "run/log.jsonl"
        if log.is_file() and records(log)[2]:
            tables.setdefault(run.table, {}).setdefault(run.setting, []).append(result(log))
    return tables


def engine_speed(program, model, case):
    """Tokens a second of the engine on one thread, best of seven, or None for a family that it does not run."""
    done = subprocess.run([str(program), "bench", "--model", str(model), "--case", case, "--threads", "1", "--json"],
                          capture_output=True, text=True)
    if done.returncode != 0:
        return None
    row = json.loads(done.stdout)
    return row["tokens"] / row["best_s"]


def last_checkpoint(run_folder):
    return max(run_folder.glob("step-*"))


_MEASURE = """
import resource, subprocess, sys
subprocess.run([*sys.argv[1:], "--seconds", "1", "--threads", "1"], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak_memory(trainer, model):
    """Peak resident MiB of a process that makes a few training steps of a model: the system's own count."""
    done = subprocess.run([sys.executable, "-c", _MEASURE, str(trainer), "bench", "--model", json.dumps(model)],
                          capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1]) / 1024
