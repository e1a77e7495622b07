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
    what = about["what"]
    assert what["in_weights"] and what["experts_removed_a_layer"] == 2
    assert what["experts_zeroed"] == 6 and what["experts_scaled"] == 1
    assert about["after"]["parameters"] < about["before"]["parameters"] == 9577152
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


def test_the_report_says_what_why_before_and_after(run, tmp_path, sentences):
    text = tmp_path / "held_out.jsonl"
    text.write_text("".join(json.dumps({"text": one}) + "\n" for one in sentences[:20]))
    edit = write(tmp_path / "e.json", {"action": "reroute", "experts": list(range(8)), "renormalize": True,
                                       "comment": "the first eight"}, comment="smaller")
    folder = tmp_path / "m"
    shown = run("edit", "apply", *OLMOE, "--edit", edit, "--text", text, "--out", folder).stdout
    report = json.loads((folder / "edit_report.json").read_text())
    assert report["why"] == ["smaller", "the first eight"] and "why: smaller\n" in shown
    assert [layer["rerouted"] for layer in report["what"]["layers"]] == [8] * LAYERS

    def plain(*options):
        return json.loads(run("perplexity", "--input", text, "--json", *options).stdout)
    before, after = plain(*OLMOE), plain("--model", folder)
    for name in ("perplexity", "bits_per_byte"):
        assert report["before"][name]["value"] == pytest.approx(before[name], rel=1e-12)
        assert report["after"][name]["value"] == pytest.approx(after[name], rel=1e-12)
        change = report["change"][name]
        assert change["value"] == pytest.approx(after[name] - before[name], rel=1e-9)
        assert 0 < change["interval"][0] < change["value"] < change["interval"][1]
    assert report["text"]["documents"] == 20 and "change +" in shown

    again = tmp_path / "again"
    run("edit", "apply", "--model", folder, "--edit", write(tmp_path / "f.json", {
        "action": "ablate", "layers": [0], "experts": [0]}), "--out", again)
    report = json.loads((again / "edit_report.json").read_text())
    assert report["earlier"]["why"] == ["smaller", "the first eight"] and "change" not in report


def test_nothing_is_left_when_measuring_fails(run, masks, tmp_path):
    apply = ["edit", "apply", *OLMOE, "--edit", masks[0], "--out", tmp_path / "m", "--text"]
    run(*apply, tmp_path / "none.txt", code=3)
    (tmp_path / "empty.jsonl").write_text(json.dumps({"text": ""}) + "\n")
    assert "two tokens" in run(*apply, tmp_path / "empty.jsonl", code=2).stderr
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("m")]


def test_combined_and_inverted_edits_say_why(run, tmp_path):
    first = write(tmp_path / "a.json", {"action": "ablate", "layers": [1], "experts": [3]}, comment="law")
    second = write(tmp_path / "b.json", {"action": "ablate", "layers": [1], "experts": [4]}, comment="math")
    run("edit", "combine", first, second, "--out", tmp_path / "both.json")
    assert json.loads((tmp_path / "both.json").read_text())["comment"] == "law; math"
    run("edit", "invert", first, *OLMOE, "--out", tmp_path / "not.json")
    assert json.loads((tmp_path / "not.json").read_text())["comment"] == "all but: law"
