"""Where the program finds models: beside itself, in the Hugging Face cache, nowhere else."""

import json
import os
import shutil
import subprocess

import pytest

COMMIT, OLDER = "0123456789abcdef0123456789abcdef01234567", "fedcba9876543210fedcba9876543210fedcba98"


@pytest.fixture
def cache(root, tmp_path):
    """A hub cache as huggingface_hub lays it out: blobs, snapshots of links to them, refs."""
    repository = tmp_path / "hub/models--someone--tiny-model"
    (repository / "blobs").mkdir(parents=True)
    (repository / "refs").mkdir()
    for commit, name in ((COMMIT, "olmoe-clip"), (OLDER, "llama-linear")):
        snapshot = repository / "snapshots" / commit
        snapshot.mkdir(parents=True)
        for entry in os.scandir(root / "tests/fixtures/models" / name):
            blob = repository / "blobs" / f"{name}-{entry.name}"
            shutil.copy(entry.path, blob)
            os.symlink(os.path.relpath(blob, snapshot), snapshot / entry.name)
    (repository / "refs/main").write_text(COMMIT)
    (repository / "refs/v1").write_text(OLDER)
    return tmp_path


@pytest.mark.parametrize("variable", ["HF_HOME", "HF_HUB_CACHE", "HOME"])
@pytest.mark.parametrize("revision, model_type", [("", "olmoe"), ("@main", "olmoe"), ("@v1", "llama"), ("@" + OLDER, "llama")])
def test_a_model_of_the_cache(run, cache, variable, revision, model_type):
    where = {"HF_HOME": {"HF_HOME": str(cache)}, "HF_HUB_CACHE": {"HF_HUB_CACHE": str(cache / "hub"), "HF_HOME": "/nothing"},
             "HOME": {"HOME": str(cache)}}[variable]
    if variable == "HOME":
        (cache / ".cache").mkdir()
        os.symlink(cache, cache / ".cache/huggingface")
    env = {"HF_HOME": "", "HF_HUB_CACHE": ""} | where
    about = json.loads(run("info", "--json", "--model", "someone/tiny-model" + revision, env=env).stdout)
    assert about["model_type"] == model_type
    (cache / "ids.json").write_text("[[1, 2, 3]]")
    run("forward", "--model", "someone/tiny-model" + revision, "--ids", cache / "ids.json", "--out",
        cache / "o.safetensors", env=env)


def test_a_model_that_is_not_in_the_cache(run, cache):
    env = {"HF_HOME": str(cache), "HF_HUB_CACHE": ""}
    for spec in ("someone/other-model", "someone/tiny-model@v2", "someone/tiny-model@" + "0" * 40):
        stderr = run("info", "--model", spec, env=env, code=3).stderr
        assert spec in stderr and "hub" in stderr
    for spec in ("../tiny-model", "someone/tiny-model/more", "someone/..", "someone/tiny-model@../main", "@main", ""):
        if spec:
            run("info", "--model", spec, env=env, code=2)


@pytest.fixture(scope="module")
def installed(program, tmp_path_factory):
    prefix = tmp_path_factory.mktemp("prefix")
    subprocess.run(["cmake", "--install", program.parent, "--prefix", prefix], check=True, capture_output=True)
    return prefix


def test_an_installed_program_finds_what_ships_with_it(run, installed, tmp_path):
    program = installed / "bin/expertoire"
    about = json.loads(run("info", "--json", executable=program, cwd=tmp_path).stdout)
    assert about["folder"] == str(installed / "share/expertoire/models/olmoe-small")
    embedded = run("embed", "--kind", "concat", "--input", "-", stdin="A cell.\n", executable=program, cwd=tmp_path)
    assert len(json.loads(embedded.stdout)["embedding"]) == 384
    run("demo", "--json", "--queries", "1", executable=program, cwd=tmp_path)
    linked = tmp_path / "expertoire"
    os.symlink(program, linked)
    assert json.loads(run("info", "--json", executable=linked).stdout)["folder"] == about["folder"]
    for name in ("models/LICENSES.md", "models/olmoe-small/README.md", "LICENSE"):
        assert (installed / "share/expertoire" / name).is_file(), name


def test_expertoire_models_overrides(run, installed, root, tmp_path):
    (tmp_path / "olmoe-small").mkdir()
    for entry in os.scandir(root / "tests/fixtures/models/olmoe-clip"):
        os.symlink(entry.path, tmp_path / "olmoe-small" / entry.name)
    about = json.loads(run("info", "--json", executable=installed / "bin/expertoire",
                           env={"EXPERTOIRE_MODELS": str(tmp_path)}).stdout)
    assert about["hidden_size"] == 32
