"""expertoire edit: checks, combinations, and models that load elsewhere with the edit in them."""

import json

import numpy as np
import pytest

LAYERS, EXPERTS = 6, 32
OLMOE = ["--model", "olmoe-small"]


def write(path, *edits, **more):
    path.write_text(json.dumps({"format": "expertoire.routing_edit", "version": 1, "edits": list(edits)} | more))
    return path


@pytest.fixture
def masks(tmp_path):
    return write(tmp_path / "a.json", {"action": "ablate", "layers": [1, 2], "experts": [3, 4]}), \
        write(tmp_path / "b.json", {"action": "ablate", "layers": [2], "experts": [4, 5]})


def test_validate_counts_what_changes(run, masks, tmp_path):
    about = json.loads(run("edit", "validate", masks[0], *OLMOE, "--json").stdout)
    assert [(layer["layer"], layer["ablated"]) for layer in about["layers"]] == [(1, 2), (2, 2)]
    assert "layer   1: 2 ablated" in run("edit", "validate", masks[0], *OLMOE).stdout
    strange = write(tmp_path / "s.json", {"action": "ablate", "experts": [EXPERTS]})
    assert "expert 32" in run("edit", "validate", strange, *OLMOE, code=2).stderr
    other = write(tmp_path / "o.json", model={"model_type": "mixtral"})
    assert "mixtral" in run("edit", "validate", other, *OLMOE, code=2).stderr


def test_combined_edits_act_one_after_the_other(run, masks, tmp_path):
    both = tmp_path / "both.json"
    run("edit", "combine", *masks, "--out", both)
    about = json.loads(run("edit", "validate", both, *OLMOE, "--json").stdout)
    assert [layer["ablated"] for layer in about["layers"]] == [2, 3]
    for name, model in (("m.json", "olmoe"), ("n.json", "mixtral")):
        write(tmp_path / name, model={"model_type": model})
    run("edit", "combine", tmp_path / "m.json", tmp_path / "n.json", "--out", tmp_path / "x.json", code=2)
    assert not (tmp_path / "x.json").exists()


def test_the_inverse_keeps_what_the_edit_removes(run, masks, tmp_path):
    inverse = tmp_path / "inverse.json"
    run("edit", "invert", masks[0], *OLMOE, "--out", inverse)
    rows = json.loads(run("edit", "diff", masks[0], inverse, *OLMOE, "--json").stdout)["layers"]
    for row in rows:
        assert row["only_first"] == [3, 4] and row["alike"] == 0
        assert sorted(row["only_first"] + row["only_second"]) == list(range(EXPERTS))


def test_diff_names_the_experts(run, masks):
    first, second = json.loads(run("edit", "diff", *masks, *OLMOE, "--json").stdout)["layers"]
    assert (first["layer"], first["only_first"], first["only_second"]) == (1, [3, 4], [])
    assert (second["only_first"], second["only_second"], second["alike"]) == ([3], [5], 1)
    assert "1 alike, 1 only in the first" in run("edit", "diff", *masks, *OLMOE).stdout


@pytest.fixture
def logits_of(run, reference, tmp_path, sentences):
    """Of some sentences: by transformers, or by ours in f32."""
    ids = [reference.ids(text) for text in sentences[200:208]]
    (tmp_path / "ids.json").write_text(json.dumps(ids))

    def ours(*options):
        from safetensors.numpy import load_file
        run("forward", "--ids", tmp_path / "ids.json", "--stages", "logits", "--compute", "f32", *options,
            "--out", tmp_path / "o.safetensors")
        return load_file(tmp_path / "o.safetensors")["logits"]

    def theirs(folder):
        import torch
        from oracle import checkpoint
        model = checkpoint.load_reference(str(folder))
        with torch.no_grad():
            return np.concatenate([model(torch.tensor([row])).logits[0].float().numpy() for row in ids])
    return ours, theirs


def test_an_applied_edit_is_the_edit_in_transformers(run, logits_of, tmp_path):
    ours, theirs = logits_of
    edit = write(tmp_path / "e.json", {"action": "ablate", "layers": [0, 3], "experts": [1, 7, 30]},
                 {"action": "scale", "layers": [2], "experts": [5], "factor": 2},
                 {"action": "reroute", "experts": [0, 9], "renormalize": True})
    about = json.loads(run("edit", "apply", *OLMOE, "--edit", edit, "--out", tmp_path / "m", "--json").stdout)
    assert about["in_weights"] and about["experts_removed_a_layer"] == 2
    assert about["experts_zeroed"] == 6 and about["experts_scaled"] == 1
    assert about["parameters_after"] < about["parameters_before"] == 9577152
    wanted = ours("--edit", edit)
    scale = np.abs(wanted).max()
    assert np.abs(theirs(tmp_path / "m") - wanted).max() < 1e-4 * scale
    assert np.abs(ours("--model", tmp_path / "m") - wanted).max() < 1e-5 * scale
    assert np.abs(ours() - wanted).max() > 1e-2 * scale
    run("edit", "apply", *OLMOE, "--edit", edit, "--out", tmp_path / "m", code=2)


def test_an_edit_that_weights_cannot_say_travels_with_them(run, logits_of, tmp_path):
    ours, theirs = logits_of
    edit = write(tmp_path / "e.json", {"action": "force", "layers": [4], "experts": [11]})
    told = run("edit", "apply", *OLMOE, "--edit", edit, "--out", tmp_path / "m").stdout
    assert "only Expertoire applies" in told and "forces" in told
    assert (ours("--model", tmp_path / "m") == ours("--edit", edit)).all()
    assert np.abs(theirs(tmp_path / "m") - ours()).max() < 1e-4 * np.abs(ours()).max()
