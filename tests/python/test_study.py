"""scripts/study_five_layers: its runs are what the page says, its numbers are those of the logs, and stopping loses nothing."""

import json
import math
import subprocess
import sys

import pytest
from program import ROOT, TRAINER

sys.path.insert(0, str(ROOT / "scripts"))

from study import mask_runs, measure, page, results, runs, train  # noqa: E402

SCRIPT = ROOT / "scripts/study_five_layers"


def parameters(model):
    """Learned values of a run's model, by hand; embeddings are tied."""
    m = runs.BASE | model
    d, layers = m["hidden_size"], m["num_hidden_layers"]
    ffn = {
        "dense": lambda: 3 * d * m["intermediate_size"],
        "smoe": lambda: m["num_experts"] * (3 * d * m["intermediate_size"] + d),
        "peer": lambda: (m["peer_heads"] * m["peer_key_dim"] * (d + 2) + m["peer_keys"] * m["peer_key_dim"]
                         + 2 * m["peer_keys"] ** 2 * d),
        "monet_vd": lambda: m["moe_experts"] * (2 * m["moe_dim"] * d + m["moe_dim"] + d)
        + 2 * m["moe_heads"] * m["moe_experts"] * d / m["moe_groups"],
    }
    ffn["monet_hd"] = ffn["monet_vd"]
    return m["vocab_size"] * d + d + layers * (4 * d * d + 2 * d + ffn[m["kind"]]())


def test_the_five_kinds_have_equal_parameters():
    counts = {kind: parameters(model) for kind, model in runs.KINDS.items()}
    assert max(counts.values()) / min(counts.values()) < 1.03, counts
    assert 0.8e6 < counts["dense"] < 1.2e6


def test_the_list_of_runs_is_what_the_study_asks_for():
    listed = runs.all_runs()
    shared = [run for run in listed if run.name == "base-1"]
    assert [run.table for run in shared] == ["n", "k", "lambda", "group"]  # trained once, shown in each sweep
    assert len({run.name for run in listed}) == len(listed) - 3
    assert all(run.config() == shared[0].config() for run in shared)
    by_table = {table: {run.setting for run in listed if run.table == table} for table in ("n", "k", "lambda", "group")}
    assert by_table == {"n": {"64", "128", "256", "512"}, "k": {"4", "8", "16"}, "group": {"1", "2", "4"},
                        "lambda": {"0", "0.0002", "0.001", "0.005"}}
    for table in ("kind", "norm"):
        assert {run.seed for run in listed if run.table == table} == {1, 2}
    assert all(run.tokens >= 3_000_000 for run in listed if run.table in ("kind", "norm"))


def log(folder, losses, survivors=None, steps=9):
    """A run's log as expertoire-train writes it, and its checkpoint after `steps`."""
    (folder / f"step-{steps:08d}").mkdir(parents=True)
    (folder / f"step-{steps:08d}" / "model.safetensors").touch()
    lines = [{"run": {"parameters": 5, "model": {"moe_topk": 8}}}]
    for step, loss in enumerate(losses, 1):
        lines.append({"step": step, "tokens": 6 * step, "seconds": 1.0 * step, "tokens_per_second": 6.0, "loss": loss + 1})
    held = {"step": 9, "tokens": 18, "seconds": 3.5, "held_out_loss": losses[-1]}
    if survivors:
        held |= {"survivors1": survivors, "survivors2": survivors, "keys_used": [0.5, 1.0], "unif": [4, 6], "amb": [0.1, 0.3]}
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in [*lines, held]))


def test_results_are_those_of_the_log(tmp_path):
    listed = [run for run in runs.all_runs() if run.setting == "monet_vd"]
    for run, loss in zip(listed, (3.0, 3.5)):
        log(tmp_path / run.name / "run", [9.0, 8.0, loss], [7.0, 11.0], run.config()["steps"])
    log(tmp_path / "kind-dense-1" / "run", [9.0, 8.0], steps=200)  # stopped, or still at work
    assert list(results.collect(tmp_path, runs.all_runs())["kind"]) == ["monet_vd"]
    first, second = results.collect(tmp_path, runs.all_runs())["kind"]["monet_vd"]
    assert (first["loss"], second["loss"]) == (3.0, 3.5)
    assert (first["survivors"], first["keys_used"], first["unif"], first["k"]) == (9.0, 0.75, 5, 8)
    assert math.isclose(first["amb"], 0.2)


def test_a_spread_is_half_the_range():
    assert page.spread([3.0, 3.5]) == "3.250 ± 0.250"
    assert page.spread([3.0]) == "3.000" and page.spread([None, None]) == "–"


def test_the_page_shows_every_table(tmp_path):
    for run in {run.name: run for run in runs.all_runs()}.values():
        log(tmp_path / run.name / "run", [9.0, 4.0 + run.seed], [8.0] if "monet" in run.model["kind"] else None,
            run.config()["steps"])
    tables = results.collect(tmp_path, runs.all_runs())
    template = (ROOT / "scripts/study/page.template").read_text(encoding="utf-8")
    costs = {"kind": {"dense": (200.0, 99.0)}, "n": {"512": (7.0, 8.0)}}
    about = {"tokens": "3.0", "sweep_tokens": "1.5", "specificity": "| base | 2.0 |"}
    text = page.render(template, tables, {"dense": (1234.0, 56.0)}, costs, about)
    assert "| `dense` | 0.00 M | 5.500 ± 0.500 | 200 | 99 | 1234 | 56 | – |" in text
    assert "| 512 | 5.000 | 8.0 (8) | 75.0 | 5.00 | 0.200 | 7 | 8 |" in text
    assert "| 16 | 5.000 | 8.0 (8) | 75.0 | 5.00 | 0.200 |\n" in text
    assert "$" not in text and "| base | 2.0 |" in text
    del tables["k"]
    with pytest.raises(KeyError):
        page.render(template, tables, {}, costs, about)


def masks_of(ratio, over, changes):
    """A result of mask-study with a domain for each (target, others, same mass)."""
    value = lambda middle: {"value": middle, "low": middle - 0.5, "high": middle + 0.5}
    masked = [{"target": str(i), "kind": kind, "change": {str(i): value(change)}, "others": value(others)}
              for i, (target, others, random) in enumerate(changes) for kind, change in (("selected", target), ("same_mass", random))]
    return {"domains": [{"name": str(i), "claimed": True} for i in range(len(changes))], "masks": masked,
            "summary": {"selected": {"ratio": value(ratio)}, "same_mass": {"selected_over": value(over)}}}


def test_a_row_of_specificity():
    changes = [(10.0, 1.0, 1.0), (10.0, 1.0, 9.0), (10.0, 9.0, 9.0), (0.1, 0.0, 0.0)]
    found = {"argmax": masks_of(3, 4, [(1, 1, 1)]), "plain": masks_of(7, 8, changes)}
    assert mask_runs.row("k 4", found) == ["k 4", "3.0 [2.5, 3.5]", "4.0 [3.5, 4.5]", "7.0 [6.5, 7.5]", "8.0 [7.5, 8.5]",
                                           "3, 2, 1", 4]
    assert mask_runs.row("k 4", found | {"plain": None})[3:] == ["–", "–", "–", "0"]


def test_runs_that_are_masked_are_on_the_list():
    chosen = mask_runs.runs_to_mask(runs.all_runs())
    assert len(chosen) == len(mask_runs.CHOSEN)
    assert chosen["base"].name == "base-1" and {run.model["kind"] for run in chosen.values()} == {"monet_vd"}


def test_seconds_are_those_of_a_speed(tmp_path):
    log(tmp_path / "run", [9.0, 8.0])
    copy = results.timed_log(tmp_path / "run/log.jsonl", 3.0, tmp_path / "copy.jsonl")
    _, steps, held = results.records(copy)
    assert [step["seconds"] for step in steps] == [2.0, 4.0] and held[0]["seconds"] == 6.0
    assert not any("tokens_per_second" in step for step in steps)


def test_costs_are_measured_by_the_trainer_itself(monkeypatch):
    monkeypatch.setattr(measure, "SECONDS", 0.1)
    cost = measure.training_cost(TRAINER, {"small": runs.BASE | runs.KINDS["dense"] | {"num_hidden_layers": 1}})
    rate, memory = cost["small"]
    assert rate > 0 and 10 < memory < 4000
    with pytest.raises(SystemExit, match="kind"):
        measure.training_cost(TRAINER, {"bad": {"kind": "none"}})


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    out = tmp_path_factory.mktemp("study") / "data"
    subprocess.run([TRAINER, "data", "--tokenizer", ROOT / "models/monet-small", "--source", "openstax:CC-BY-4.0",
                    "--input", ROOT / "data/calibration/openstax.jsonl", "--out", out], check=True, capture_output=True)
    return out


def test_runs_are_trained_once(data, tmp_path):
    two = [run for run in runs.all_runs() if run.name in ("kind-dense-1", "kind-monet_vd-1")]
    arguments = (tmp_path, TRAINER, data, ROOT / "models/monet-small", 2, 2 * runs.STEP_TOKENS, two)
    assert train.train_all(*arguments) == 0
    logs = [tmp_path / run.name / "run/log.jsonl" for run in two]
    before = [path.stat().st_mtime_ns for path in logs]
    for run in two:
        assert train.finished(tmp_path / run.name / "run", run.config(2 * runs.STEP_TOKENS))
        assert results.records(tmp_path / run.name / "run/log.jsonl")[0]["parameters"] == parameters(run.model)
    assert train.train_all(*arguments) == 2
    assert [path.stat().st_mtime_ns for path in logs] == before


def test_a_run_that_fails_is_named(data, tmp_path):
    bad = runs.Run("kind", "dense", 7, 1, {"kind": "dense"})
    with pytest.raises(SystemExit, match="kind-dense-7"):
        train.train_all(tmp_path, TRAINER, data, ROOT / "models/monet-small", runs=[bad])


def test_wrong_use_is_told(tmp_path):
    done = subprocess.run([SCRIPT, "page", "--out", tmp_path], capture_output=True, text=True)
    assert done.returncode == 1 and "not finished: base-1, " in done.stderr
    listed = subprocess.run([SCRIPT, "list", "--out", tmp_path], capture_output=True, text=True, check=True).stdout
    assert "kind-monet_hd-2" in listed and "finished" not in listed
