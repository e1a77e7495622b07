"""Trains the runs of the study, several at a time, each on one thread; what is finished is left alone, what was
stopped goes on from its checkpoint."""

import json
import subprocess
import sys
import time

from study.runs import all_runs


def finished(folder, config):
    """Has the run in `folder` come to the last step of its configuration?"""
    return (folder / f"step-{config['steps']:08d}" / "model.safetensors").is_file()


def command(trainer, folder, data, tokenizer):
    return [str(part) for part in (trainer, "run", "--config", folder / "train.json", "--data", data, "--out",
                                   folder / "run", "--tokenizer", tokenizer, "--threads", 1, "--resume")]


def start(run, out, trainer, data, tokenizer, tokens):
    """The process of one run, or None when it is finished. A configuration that changed is refused by the trainer."""
    folder = out / run.name
    folder.mkdir(parents=True, exist_ok=True)
    config = run.config(tokens)
    (folder / "train.json").write_text(json.dumps(config, indent=1) + "\n")
    if finished(folder / "run", config):
        return None
    log = open(folder / "output.txt", "w", encoding="utf-8")
    return subprocess.Popen(command(trainer, folder, data, tokenizer), stdout=log, stderr=log)


def reap(running):
    """Waits until one of the {run: process} ends; raises when it failed."""
    while True:
        for run, process in running.items():
            if process.poll() is None:
                continue
            del running[run]
            if process.returncode != 0:
                raise SystemExit(f"study: {run.name} ended with code {process.returncode}: see its output.txt")
            return run
        time.sleep(0.2)


def train_all(out, trainer, data, tokenizer, jobs=1, tokens=None, runs=None):
    """Trains all runs. `tokens` overrides their length (for a trial of the whole). On an error or Ctrl-C the
    processes are told to stop, and write a checkpoint first."""
    running, done = {}, 0
    runs = list({run.name: run for run in (all_runs() if runs is None else runs)}.values())
    try:
        for run in runs:
            process = start(run, out, trainer, data, tokenizer, tokens)
            if process is None:
                done += 1
                continue
            running[run] = process
            if len(running) == jobs:
                print(f"study: {reap(running).name} is done", file=sys.stderr)
        while running:
            print(f"study: {reap(running).name} is done", file=sys.stderr)
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.wait()
    return done
