"""Numbers of the study, read from the logs of its runs."""

import json
from statistics import mean

from study.train import finished


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
    """What a run came to: held-out loss, and of Monet how its keys are used."""
    run, steps, held = records(log)
    last = held[-1]
    survivors = [average(last.get(side)) for side in ("survivors1", "survivors2")]
    return {"loss": last["held_out_loss"], "parameters": run["parameters"], "tokens": last["tokens"],
            "keys_used": average(last.get("keys_used")), "unif": average(last.get("unif")),
            "amb": average(last.get("amb")), "survivors": None if None in survivors else mean(survivors),
            "k": run["model"].get("moe_topk"), "load_max": average(steps[-1].get("load_max"))}


def collect(out, runs, tokens=None):
    """{table: {setting: [result, one for each seed]}} of the finished runs. `tokens`: as of train.train_all."""
    tables = {}
    for run in runs:
        folder = out / run.name / "run"
        if finished(folder, run.config(tokens)):
            tables.setdefault(run.table, {}).setdefault(run.setting, []).append(result(folder / "log.jsonl"))
    return tables


def last_checkpoint(run_folder):
    return max(run_folder.glob("step-*"))


def timed_log(log, tokens_per_second, out):
    """Copies a log as if every step had run at this speed: runs of a study may have shared the machine."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        if "seconds" in line:
            line["seconds"] = line["tokens"] / tokens_per_second
        line.pop("tokens_per_second", None)
    out.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return out
