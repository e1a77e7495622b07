"""eval: options and output of all tasks of embeddings, compare, report, and a run that is killed."""

import json
import re
import signal
import time

import numpy as np
import pytest
from eval_support import results, write_rows
from program import BAD_FILE, INVALID, sentence, start
from program import run as start_program

COMMON = ["--data", "--skip-bad-rows", "--resamples", "--json", "--report", "--items", "--model", "--compute",
          "--threads", "--edit", "--kind", "--alpha", "--prompt", "--calibration", "--pooling", "--routing-stage",
          "--truncate", "--controls", "--paper-rules", "--cache"]
TASKS = {
    "sts": ["--sentence1-field", "--sentence2-field", "--score-field"],
    "classification": ["--text-field", "--label-field", "--train", "--samples-per-label", "--experiments", "--seed"],
    "pairs": ["--sentence1-field", "--sentence2-field", "--label-field"],
    "clustering": ["--text-field", "--label-field", "--sentences-field", "--labels-field", "--experiments",
                   "--sample", "--seed"],
    "rerank": ["--query-field", "--positive-field", "--negative-field"],
    "summarization": ["--human-summaries-field", "--machine-summaries-field", "--relevance-field"],
}


@pytest.mark.parametrize("task", TASKS)
def test_help_lists_every_option(run, task):
    listed = run("eval", task, "--help").stdout
    assert [option for option in COMMON + TASKS[task] if f"\n  {option} " not in listed] == []
    assert f"\n  {task} " in run("eval", "--help").stdout


def test_commands_of_eval_are_parsed_as_commands(run):
    assert "A subcommand is required" in run("eval", code=INVALID).stderr
    run("eval", "astrology", code=INVALID)
    run("eval", "sts", code=INVALID)


@pytest.fixture(scope="module")
def data(sentences, tmp_path_factory):
    random = np.random.default_rng(1)
    rows = [{"sentence1": sentences[a], "sentence2": sentences[b], "score": float(score)}
            for a, b, score in random.integers(0, 50, (80, 3))]
    return write_rows(tmp_path_factory.mktemp("eval") / "pairs.jsonl", rows)


@pytest.fixture(scope="module")
def saved(run, data, tmp_path_factory):
    """What --json --items printed under two prompts."""
    folder = tmp_path_factory.mktemp("saved")
    for prompt in ("none", "prompteol"):
        done = run("eval", "sts", "--data", data, "--kind", "hidden", "sum", "--prompt", prompt, "--json", "--items",
                   "--controls", "--report", folder / f"{prompt}.html")
        (folder / f"{prompt}.json").write_text(done.stdout)
    return folder


def test_a_table_for_people(run, data):
    lines = run("eval", "sts", "--data", data, "--kind", "hidden", "sum", "--resamples", "100").stdout.splitlines()
    assert lines[0].split() == ["data", "set", "system", "n", "pearson", "spearman"]
    assert re.fullmatch(r"pairs\s+model hidden\s+80\s+-?0\.\d{4} \[-?0\.\d{4}, -?0\.\d{4}\]\s+-?0\..*", lines[1])
    assert len(lines) == 3
    assert "[" not in run("eval", "sts", "--data", data, "--resamples", "0").stdout


def test_results_say_how_they_were_made(run, data, root):
    [got] = results(run, "sts", "--data", data, "--prompt", "say it: {text}")
    made = got["provenance"]
    assert made["model"] == "olmoe-small" and made["version"] and re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", made["time"])
    assert made["command"].startswith("expertoire eval sts --data") and "'say it: {text}'" in made["command"]
    assert "items" not in got and got["scores"] == ["pearson", "spearman"]
    assert got["kind"] == "hidden" and got["prompt"] == "say it: {text}" and "alpha" not in got


def test_an_edit_changes_scores_and_is_named(run, data, tmp_path):
    edit = tmp_path / "edit.json"
    edit.write_text(json.dumps({"format": "expertoire.routing_edit", "version": 1, "edits": [
        {"action": "reroute", "layers": "all", "experts": [0, 1, 2, 3]}]}))
    [before] = results(run, "sts", "--data", data)
    [after] = results(run, "sts", "--data", data, "--edit", edit, "--cache", tmp_path / "cache")
    assert after["spearman"] != before["spearman"]
    assert after["provenance"]["edit_hash"]
    [again] = results(run, "sts", "--data", data, "--cache", tmp_path / "cache")
    assert again["spearman"] == before["spearman"], "the cache tells an edit apart"


def test_compare_pairs_rows(run, saved):
    none, eol = saved / "none.json", saved / "prompteol.json"
    lines = run("eval", "compare", none, eol, "--json").stdout.splitlines()
    rows = [json.loads(line) for line in lines]
    assert [(row["a_system"], row["score"]) for row in rows[:4]] == [
        ("model hidden", "pearson"), ("model hidden", "spearman"), ("model sum 1", "pearson"),
        ("model sum 1", "spearman")]
    for row in rows:
        low, high = row["interval"]
        assert low <= row["difference"] <= high
        assert row["verdict"] == ("higher" if low > 0 else "lower" if high < 0 else None)
    assert rows[-1]["a_system"] == "tfidf" and rows[-1]["interval"] == [0, 0] and rows[-1]["verdict"] is None
    assert "no difference shown" in run("eval", "compare", none, eol).stdout


def test_compare_pairs_f1_and_scores_of_pairs(run, sentences, tmp_path):
    rows = [{"text": text, "label": i % 2} for i, text in enumerate(sentences[:80])]
    pairs = [{"sentence1": a, "sentence2": b, "label": i % 2}
             for i, (a, b) in enumerate(zip(sentences[:60], sentences[60:120]))]
    for task, data, scores in (("classification", rows, ["accuracy", "f1"]), ("pairs", pairs, ["accuracy", "ap", "f1"])):
        path = write_rows(tmp_path / f"{task}.jsonl", data)
        made = []
        for kind in ("hidden", "routing"):
            done = run("eval", task, "--data", path, "--kind", kind, "--json", "--items", "--resamples", "0")
            (tmp_path / kind).write_text(done.stdout)
            made.append(json.loads(done.stdout))
        lines = run("eval", "compare", tmp_path / "hidden", tmp_path / "routing", "--json").stdout.splitlines()
        got = [json.loads(line) for line in lines]
        assert [row["score"] for row in got] == scores
        for row in got:
            assert abs(row["difference"] - (made[1][row["score"]] - made[0][row["score"]])) < 1e-9
            assert row["interval"][0] <= row["difference"] <= row["interval"][1] and row["interval"][0] < row["interval"][1]


def test_compare_refuses_other_rows(run, saved, data, tmp_path):
    other = write_rows(tmp_path / "pairs.jsonl", list(map(json.loads, data.read_text().splitlines()))[:40])
    done = run("eval", "sts", "--data", other, "--kind", "hidden", "sum", "--controls", "--json", "--items")
    (tmp_path / "other.json").write_text(done.stdout)
    done = start_program("eval", "compare", saved / "none.json", tmp_path / "other.json")
    assert done.returncode == INVALID and "files of other content" in sentence(done.stderr)
    done = start_program("eval", "compare", saved / "none.json", data)
    assert done.returncode == BAD_FILE and "a result of" in sentence(done.stderr)


def test_report_is_one_file(run, saved, tmp_path):
    run("eval", "report", saved / "none.json", saved / "prompteol.json", "--out", tmp_path / "r.html")
    for page in (tmp_path / "r.html", saved / "none.html"):
        text = page.read_text(encoding="utf-8")
        assert "<svg" in text and "random_weights sum 1" in text and "expertoire eval sts" in text
        assert "weights_hash" in text and "pairs.jsonl, hash " in text
        assert not re.search(r"(src|href)=|https?:", text)
    run("eval", "report", saved / "none.json", "--out", tmp_path / "r.pdf", code=INVALID)


def test_a_report_that_cannot_be_written_is_refused_before_the_work(data, tmp_path):
    done = start_program("eval", "sts", "--data", data, "--report", tmp_path / "no/r.html")
    assert done.returncode == 3 and sentence(done.stderr) and done.stdout == b""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_cache_of_a_stopped_run_is_used(run, sentences, tmp_path, how):
    texts = [f"{a} {b}" for a, b in zip(sentences[:200] * 10, (sentences[200:400] * 10)[7:])]
    data = write_rows(tmp_path / "a.jsonl", [{"sentence1": a, "sentence2": b, "score": i % 5}
                                             for i, (a, b) in enumerate(zip(texts, texts[1:]))])
    cache = tmp_path / "cache"
    arguments = ["sts", "--data", data, "--cache", cache, "--threads", "1"]
    process = start("eval", *arguments)
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if cache.exists() and cache.stat().st_size > 50_000:
            break
        time.sleep(0.002)
    process.send_signal(how)
    process.communicate()
    assert process.returncode in (-signal.SIGKILL, 130), "it was stopped in the middle"
    kept = cache.read_bytes()
    assert len(kept) > 50_000
    [resumed] = results(run, *arguments)
    assert cache.read_bytes().startswith(kept[:40_000]) and cache.stat().st_size > len(kept)
    [undisturbed] = results(run, "sts", "--data", data)
    assert resumed["spearman"] == undisturbed["spearman"] and resumed["pearson"] == undisturbed["pearson"]
