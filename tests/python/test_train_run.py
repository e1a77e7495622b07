"""expertoire-train run: killed anywhere and resumed it gives the same weights; what it writes is
read by transformers; what goes wrong is said."""

import fcntl
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest
from program import (BAD_FILE, CANCELLED, INVALID, IO, NOT_FOUND, PROGRAM, ROOT, TRAINER, names,
                     wait_until_it_catches)
from safetensors.numpy import load_file

NUMERIC = 8
TOKENIZER = ROOT / "models/monet-small"
MODEL = dict(vocab_size=8192, hidden_size=16, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=64, intermediate_size=24, num_experts=4,
             num_experts_per_tok=2, peer_keys=6, peer_key_dim=8, peer_heads=2, peer_topk=3,
             moe_experts=16, moe_topk=4, moe_heads=2, moe_dim=4, moe_groups=2)
KINDS = ["dense", "smoe", "peer", "monet_hd", "monet_vd"]
RUN = dict(sequence_length=32, batch_sequences=2, accumulate=2, steps=24, lr=3e-3, warmup_steps=4,
           evaluate_every=7, evaluate_sequences=4, checkpoint_every=3, seed=5)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    out = tmp_path_factory.mktemp("train") / "data"
    subprocess.run([TRAINER, "data", "--tokenizer", TOKENIZER, "--source", "openstax:CC-BY-4.0",
                    "--input", ROOT / "data/calibration/openstax.jsonl", "--out", out], check=True,
                   capture_output=True)
    return out


def configure(folder, kind, model=None, **changes):
    path = folder / "train.json"
    path.write_text(json.dumps(RUN | {"model": MODEL | {"kind": kind} | (model or {})} | changes))
    return path


def command(config, data, out, *more):
    return [str(part) for part in (TRAINER, "run", "--config", config, "--data", data, "--out", out,
                                   "--threads", 1, *more)]


def run(*arguments, code=0, **options):
    done = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=300,
                          **options)
    assert done.returncode == code, (done.returncode, done.stderr[-2000:])
    if code != 0:
        assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr if code else done.stdout


def records(out):
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    for line in lines:  # what a clock says
        for key in ("seconds", "tokens_per_second"):
            line.pop(key, None)
    return lines


def same_end(a, b):
    for name in ("model.safetensors", "optimizer.safetensors"):
        assert (a / "step-00000024" / name).read_bytes() == (b / "step-00000024" / name).read_bytes()
    assert records(a) == records(b)


@pytest.mark.parametrize("kind, kills", [("monet_vd", 8), ("smoe", 3), ("peer", 2)])
def test_killed_at_random_moments(kind, kills, data, tmp_path):
    model = {"moe_router_norm": "key", "tie_word_embeddings": True}
    config = configure(tmp_path, kind, model)
    began = time.monotonic()
    run(config, data, tmp_path / "whole")
    seconds = time.monotonic() - began
    chance = random.Random(kind)
    out = tmp_path / "killed"
    killed = 0
    while killed < kills:
        process = subprocess.Popen(command(config, data, out, "--resume"),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            process.wait(timeout=chance.uniform(seconds / 4, seconds))
        except subprocess.TimeoutExpired:
            process.kill()
            killed += 1
        process.communicate()
        assert process.returncode in (0, -9)
        if process.returncode == 0:
            same_end(out, tmp_path / "whole")
            shutil.rmtree(out)
    run(config, data, out, "--resume")
    same_end(out, tmp_path / "whole")
    assert names(out) == ["log.jsonl", "step-00000021", "step-00000024"]


def test_stopped_by_a_signal(data, tmp_path):
    config = configure(tmp_path, "monet_hd")
    run(config, data, tmp_path / "whole")
    process = subprocess.Popen(command(config, data, tmp_path / "out"), stderr=subprocess.PIPE,
                               stdout=subprocess.DEVNULL, text=True)
    wait_until_it_catches(process, signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    words = process.communicate()[1]
    assert process.returncode == CANCELLED
    assert "--resume" in words
    run(config, data, tmp_path / "out", "--resume")
    same_end(tmp_path / "out", tmp_path / "whole")


def test_a_run_has_one_writer(data, tmp_path):
    config, out = configure(tmp_path, "monet_hd"), tmp_path / "out"
    out.mkdir()
    folder = os.open(out, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)  # as a process that trains there holds it
    assert "another process" in run(config, data, out, "--resume", code=IO)
    assert names(out) == []
    os.close(folder)
    run(config, data, out, "--resume")


def test_a_changed_run_is_refused(data, tmp_path):
    config = configure(tmp_path, "monet_vd")
    out = tmp_path / "out"
    run(config, data, out)
    assert "--resume" in run(config, data, out, code=INVALID)
    for changes, word in [({"lr": 1e-3}, "lr"), ({"steps": 30}, "steps"),
                          ({"model": {"lambda_unif": 0.5}}, "lambda_unif"), ({"seed": 6}, "seed")]:
        changed = configure(tmp_path, "monet_vd", changes.pop("model", None), **changes)
        assert f'"{word}"' in run(changed, data, out, "--resume", code=INVALID)
    other = tmp_path / "data"
    subprocess.run([TRAINER, "data", "--tokenizer", TOKENIZER, "--source", "a:CC0", "--input",
                    ROOT / "data/calibration/openstax.jsonl", "--out", other], check=True,
                   capture_output=True)
    config = configure(tmp_path, "monet_vd")
    assert '"data"' in run(config, other, out, "--resume", code=INVALID)
    assert names(out) == ["log.jsonl", "step-00000021", "step-00000024"]


def held_out_sequences(data, length):
    shards = sorted((data / "held_out").iterdir())
    ids = np.concatenate([np.fromfile(shard, "<u2") for shard in shards]).astype("i8")
    count = (len(ids) - 1) // length
    return np.stack([ids[i * length:(i + 1) * length + 1] for i in range(count)])


@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
@pytest.mark.parametrize("kind", ["dense", "smoe"])
def test_transformers_reads_the_baselines(kind, tied, data, tmp_path):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    torch.set_num_threads(1)
    config = configure(tmp_path, kind, {"tie_word_embeddings": tied, "initializer_range": 0.1},
                       steps=6, evaluate_sequences=0, evaluate_every=0)
    run(config, data, tmp_path / "out", "--tokenizer", TOKENIZER)
    folder = tmp_path / "out/step-00000006"
    model, report = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not any(report.values()), report
    ids = torch.from_numpy(held_out_sequences(data, 32))
    with torch.no_grad():
        logits = model(ids[:, :-1]).logits.double()
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
    ours = [line["held_out_loss"] for line in records(tmp_path / "out") if "held_out_loss" in line]
    assert len(ours) == 1
    assert abs(ours[0] - loss.item()) < 1e-5 * loss.item()
    assert AutoTokenizer.from_pretrained(folder)("a b")["input_ids"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_engine_reads_every_kind(kind, data, tmp_path):
    """The trainer's held-out loss is that of the engine's logits."""
    config = configure(tmp_path, kind, {"initializer_range": 0.1, "moe_router_norm": "key"}, steps=6,
                       evaluate_sequences=0, evaluate_every=0)
    run(config, data, tmp_path / "out", "--tokenizer", TOKENIZER)
    ids = held_out_sequences(data, 32)
    (tmp_path / "ids.json").write_text(json.dumps(ids[:, :-1].tolist()))
    subprocess.run([PROGRAM, "forward", "--model", tmp_path / "out/step-00000006", "--ids", tmp_path / "ids.json",
                    "--stages", "logits", "--compute", "f32", "--out", tmp_path / "o.safetensors"], check=True)
    logits = load_file(tmp_path / "o.safetensors")["logits"].astype(np.float64)
    right = logits[np.arange(len(logits)), ids[:, 1:].ravel()]
    most = logits.max(-1)
    loss = np.mean(np.log(np.exp(logits - most[:, None]).sum(-1)) + most - right)
    ours, = [line["held_out_loss"] for line in records(tmp_path / "out") if "held_out_loss" in line]
    assert abs(ours - loss) < 1e-5 * loss


def test_weights_of_a_checkpoint_with_a_frozen_router(data, tmp_path):
    run(configure(tmp_path, "monet_vd"), data, tmp_path / "first")
    before = load_file(tmp_path / "first/step-00000024/model.safetensors")
    config = configure(tmp_path, "monet_vd", steps=2)
    run(config, data, tmp_path / "second", "--init", tmp_path / "first/step-00000024", "--freeze",
        "router")
    after = load_file(tmp_path / "second/step-00000002/model.safetensors")
    for name, tensor in before.items():
        still = np.array_equal(tensor, after[name])
        assert still == (".router." in name and "num_batches" not in name), name
    other = configure(tmp_path, "monet_vd", {"moe_experts": 32})
    words = run(other, data, tmp_path / "third", "--init", tmp_path / "first/step-00000024",
                code=INVALID)
    assert "moe_experts" in words and "16" in words and "32" in words


def test_router_statistics_estimated_anew(data, tmp_path):
    # Their variance begins at 1, far from that of the logits; few steps do not bring it near.
    config = configure(tmp_path, "monet_vd", {"moe_router_norm": "key"}, steps=3)
    said = run(config, data, tmp_path / "out", "--recalibrate-router", 4)
    line = [line for line in records(tmp_path / "out") if "recalibrated" in line][0]["recalibrated"]
    mean = {when: np.mean(line[when]["survivors1"] + line[when]["survivors2"])
            for when in ("before", "after")}
    assert abs(mean["after"] - 4) < 0.5 < abs(mean["before"] - 4)
    assert f"{mean['before']:.2f} before, {mean['after']:.2f} after, k = 4" in said


def test_export(data, tmp_path):
    run(configure(tmp_path, "monet_vd", steps=2), data, tmp_path / "out", "--tokenizer", TOKENIZER)
    checkpoint = tmp_path / "out/step-00000002"
    for dtype in ("bf16", "f32"):
        subprocess.run([TRAINER, "export", "--checkpoint", checkpoint, "--out", tmp_path / dtype,
                        "--dtype", dtype], check=True)
        assert names(tmp_path / dtype) == ["config.json", "model.safetensors", "tokenizer.json",
                                           "tokenizer_config.json"]
    import torch
    from safetensors.torch import load_file as load
    weights = load(checkpoint / "model.safetensors")
    narrow = load(tmp_path / "bf16/model.safetensors")
    for name, tensor in load(tmp_path / "f32/model.safetensors").items():
        assert torch.equal(tensor, weights[name])
        floats = tensor.dtype == torch.float32 and "running" not in name
        assert torch.equal(narrow[name], tensor.bfloat16() if floats else tensor)
    assert json.loads((tmp_path / "bf16/config.json").read_text())["dtype"] == "bfloat16"


def test_a_loss_that_is_no_number(data, tmp_path):
    config = configure(tmp_path, "dense", lr=1e20, checkpoint_every=1, warmup_steps=0)
    words = run(config, data, tmp_path / "out", code=NUMERIC)
    assert "lower lr" in words and "last checkpoint" in words
    assert len(names(tmp_path / "out")) >= 2  # the log and a checkpoint


def limit_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))


def test_a_disk_that_fills_up(data, tmp_path):
    config = configure(tmp_path, "monet_vd")
    words = run(config, data, tmp_path / "out", code=IO, preexec_fn=limit_files)
    assert "safetensors" in words
    assert names(tmp_path / "out") == ["log.jsonl"]  # no half checkpoint
    run(config, data, tmp_path / "whole")
    run(config, data, tmp_path / "out", "--resume")
    same_end(tmp_path / "out", tmp_path / "whole")


def test_what_is_refused_before_training(data, tmp_path):
    short = tmp_path / "short"
    shutil.copytree(data, short)
    shard = next((short / "train").iterdir())
    shard.write_bytes(shard.read_bytes()[:-64])
    config = configure(tmp_path, "dense")
    assert shard.name in run(config, short, tmp_path / "out", code=BAD_FILE)
    run(config, tmp_path / "none", tmp_path / "out", code=NOT_FOUND)
    small = configure(tmp_path, "dense", {"vocab_size": 100})
    assert "8192" in run(small, data, tmp_path / "out", code=INVALID)
    long = configure(tmp_path, "dense", sequence_length=1 << 20)
    assert "sequence" in run(long, data, tmp_path / "out", code=INVALID)
    assert "warmup" in run(configure(tmp_path, "dense", warmup_step=3), data, tmp_path / "out", code=5)
    assert "freeze" in run(config, data, tmp_path / "out", "--freeze", "experts", code=INVALID)
    assert not (tmp_path / "out").exists() or names(tmp_path / "out") == []


@pytest.mark.parametrize("kind", KINDS)
def test_losses_fall(kind, data, tmp_path):
    config = configure(tmp_path, kind, {"moe_router_norm": "key"}, steps=40, lr=1e-2)
    run(config, data, tmp_path / "out")
    steps = [line for line in records(tmp_path / "out") if "loss" in line]
    assert [line["step"] for line in steps] == list(range(1, 41))
    assert steps[-1]["tokens"] == 40 * 4 * 32
    assert np.mean([line["lm"] for line in steps[-5:]]) < steps[0]["lm"] - 1
    keys = {"monet_hd": {"unif", "amb", "survivors1", "survivors2", "keys_used"},
            "monet_vd": {"unif", "amb", "survivors1", "survivors2", "keys_used"},
            "smoe": {"balance", "z", "load_max", "load_min"}}.get(kind, set())
    assert set(steps[0]) == {"step", "tokens", "loss", "lm", "lr", "grad_norm"} | keys
