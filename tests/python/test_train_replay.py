"""expertoire-train replay: the gradients, weights and losses of a PyTorch reference, step by step."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from program import BAD_FILE, NOT_FOUND, ROOT, TRAINER
from safetensors.numpy import load_file, save_file

FIXTURES = ROOT / "tests/fixtures/train"
GOLDENS = Path(os.environ.get("EXPERTOIRE_SHARED", ROOT.parent / "shared")) / "goldens/monet"
OURS = ["dense", "smoe", "peer", "monet_hd", "monet_vd", "monet_hd_key", "monet_vd_key"]
THEIRS = ["monet-baseline-dense-train", "monet-baseline-smoe-train", "monet-baseline-peer-train",
          "monet-hd-train", "monet-vd-train"]
# Of the largest value of a tensor: goldens/monet/README.md.
BOUNDS = {False: {"grad": 1e-5, "step1": 1e-4, "step5": 1e-4, "loss": 1e-5},
          True: {"grad": 1e-7, "step1": 1e-7, "step5": 1e-7, "loss": 1e-9}}


def replay(folder, out, *options):
    return subprocess.run([TRAINER, "replay", "--golden", folder, "--out", out, *options],
                          capture_output=True, text=True, timeout=300)


def check(folder, tmp_path, double, *options):
    out = tmp_path / "o.safetensors"
    done = replay(folder, out, *options, *(["--double"] if double else []))
    assert done.returncode == 0, done.stderr
    ours, golden = load_file(out), load_file(folder / "train.safetensors")
    bounds = BOUNDS[double]
    compared = 0
    for name, expected in golden.items():
        part = name.split(".")[0]
        if part not in bounds or name.endswith("num_batches_tracked"):
            continue
        error = np.abs(ours[name].astype("f8") - expected).max()
        assert error <= bounds[part] * np.abs(expected).max(), (name, error)
        compared += 1
    assert compared > 3 * len([n for n in golden if n.startswith("grad.")]) - 1
    for step, losses in enumerate(json.loads((folder / "meta.json").read_text())["steps"]):
        for name, expected in losses.items():
            key = name if name == "grad_norm" else f"loss.{name}"
            assert abs(ours[key][step] - expected) <= bounds["loss"] * max(1, expected), (step, key)


@pytest.mark.parametrize("double", [False, True], ids=["float", "double"])
@pytest.mark.parametrize("name", OURS)
def test_fixture(name, double, tmp_path):
    check(FIXTURES / name, tmp_path, double)


@pytest.mark.parametrize("name", [name for name in OURS if "monet" in name])
def test_plain_operators(name, tmp_path):
    check(FIXTURES / name, tmp_path, True, "--dense")


@pytest.mark.parametrize("double", [False, True], ids=["float", "double"])
@pytest.mark.parametrize("name", THEIRS)
def test_golden(name, double, tmp_path):
    if not GOLDENS.is_dir():
        pytest.skip("no goldens/monet in the shared data; set EXPERTOIRE_SHARED to run this")
    check(GOLDENS / name, tmp_path, double)


def broken(tmp_path, change_meta=None, change_tensors=None):
    meta = json.loads((FIXTURES / "monet_vd/meta.json").read_text())
    tensors = load_file(FIXTURES / "monet_vd/train.safetensors")
    (change_meta or (lambda m: None))(meta)
    (change_tensors or (lambda t: None))(tensors)
    (tmp_path / "meta.json").write_text(json.dumps(meta))
    save_file(tensors, tmp_path / "train.safetensors")
    return replay(tmp_path, tmp_path / "o.safetensors")


@pytest.mark.parametrize("meta, tensors, code, words", [
    (lambda m: m["config"].update(kind="mamba"), None, BAD_FILE, ["mamba", "monet_vd"]),
    (lambda m: m["config"].pop("moe_heads"), None, BAD_FILE, ["moe_heads"]),
    (lambda m: m["config"].update(moe_dim=7), None, BAD_FILE, ["moe_dim", "even"]),
    (lambda m: m["config"].update(moe_topk=12), None, BAD_FILE, ["moe_topk", "11"]),
    (lambda m: m["config"].update(shared_experts=2), None, 5, ["shared_experts"]),
    (None, lambda t: t.pop("init.model.norm.weight"), NOT_FOUND, ["init.model.norm.weight"]),
    (lambda m: m["config"].update(moe_experts=14), None, BAD_FILE, ["shape", "w1"]),
])
def test_what_does_not_fit(meta, tensors, code, words, tmp_path):
    done = broken(tmp_path, meta, tensors)
    assert done.returncode == code, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert all(word in done.stderr for word in words), done.stderr
    assert not (tmp_path / "o.safetensors").exists()
