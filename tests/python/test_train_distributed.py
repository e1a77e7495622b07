"""Two processes of torchrun train what one trains with batches twice as large, and notice each
other's death."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from program import ROOT
from safetensors.numpy import load_file
from test_train_run import configure, data, records, run  # noqa: F401 (data is a fixture)

FRONT = ROOT / "scripts/train_distributed"


def start(config, data, out, *more):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "EXPERTOIRE_TIMEOUT": "20"}
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2",
               "--standalone", FRONT, "run", "--config", config, "--data", data, "--out", out]
    return subprocess.Popen([*map(str, command), *more], env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


@pytest.mark.parametrize("kind, model", [("monet_vd", {}), ("monet_hd", {"moe_router_norm": "key"}),
                                         ("peer", {}), ("smoe", {})])
def test_two_processes_equal_twice_the_batch(kind, model, data, tmp_path):  # noqa: F811
    model |= {"initializer_range": 0.1}
    steps = {"steps": 6, "evaluate_sequences": 8, "lr": 1e-3}
    config = configure(tmp_path, kind, model, batch_sequences=4, **steps)
    run(config, data, tmp_path / "one")
    config = configure(tmp_path, kind, model, batch_sequences=2, **steps)
    process = start(config, data, tmp_path / "two")
    said, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors[-3000:]
    assert said.count("held-out loss") == 1
    one, two = records(tmp_path / "one")[1:], records(tmp_path / "two")[1:]
    assert len(one) == len(two) == 7
    for a, b in zip(one, two, strict=True):
        for key in {"lm", "loss", "unif", "amb", "balance", "z", "grad_norm", "held_out_loss"} & set(a):
            assert b[key] == pytest.approx(a[key], rel=2e-5), (a["step"], key)
    weights = load_file(tmp_path / "one/step-00000006/model.safetensors")
    for name, tensor in load_file(tmp_path / "two/step-00000006/model.safetensors").items():
        assert abs(tensor - weights[name]).max() <= 2e-4 * abs(weights[name]).max() + 1e-7, name


def workers(launcher):
    """The processes that torchrun started."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(launcher.pid)], capture_output=True,
                            text=True).stdout
    return [int(pid) for pid in listed.split()]


def wait_for_step(out, process, seconds=120):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        log = out / "log.jsonl"
        if log.exists() and '"step":2' in log.read_text():
            return
        time.sleep(0.05)
    raise AssertionError(process.communicate()[1][-3000:])


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["dies", "hangs"])
def test_a_process_that_is_gone_is_noticed(how, data, tmp_path):  # noqa: F811
    config = configure(tmp_path, "dense", steps=100000, checkpoint_every=2, evaluate_every=0)
    out = tmp_path / "out"
    process = start(config, data, out)
    wait_for_step(out, process)
    pids = workers(process)
    assert len(pids) == 2
    os.kill(pids[1], how)
    began = time.monotonic()
    try:
        words = process.communicate(timeout=60)[1]
    finally:
        os.killpg(process.pid, signal.SIGKILL) if process.poll() is None else None
    assert process.returncode != 0
    assert time.monotonic() - began < 60
    assert "expertoire-train: summing over processes" in words, words[-3000:]
    assert "--resume" in words
    assert json.loads((out / "log.jsonl").read_text().splitlines()[0])["run"]["processes"] == 2
    assert any(path.name.startswith("step-") for path in out.iterdir())
