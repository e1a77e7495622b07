"""`expertoire eval code`: completions in the form that MultiPL-E's evaluation reads (multipl_e/completions.py and
evaluation/src/main.py of nuprl/MultiPL-E)."""

import gzip
import json

import pytest
from eval_support import write_rows
from program import BAD_FILE, INVALID

MODEL = ("--model", "monet-small", "--compute", "f32", "--threads", "1")
FIELDS = {"name", "language", "temperature", "top_p", "max_tokens", "prompt", "tests", "completions", "stop_tokens"}


@pytest.fixture
def problems(tmp_path):
    return write_rows(tmp_path / "humaneval-lua.jsonl", [
        {"name": f"HumanEval_{i}_{name}", "language": "lua", "prompt": f"-- {name}\nlocal function {name}(x)\n",
         "doctests": "transform", "tests": "lu.run()", "stop_tokens": ["\nlocal", "\n\n", "e"], "task_id": "t"}
        for i, name in enumerate(("first", "second"))])


def code(run, problems, out, *options, **more):
    return run("eval", "code", *MODEL, "--data", problems, "--out", out, "--samples", 3, "--max-tokens", 12, *options,
               **more)


def read(folder):
    return {path.name: json.loads(gzip.decompress(path.read_bytes())) for path in sorted(folder.glob("*.json.gz"))}


def test_a_file_a_problem_with_the_fields_of_multipl_e(run, problems, tmp_path):
    out = tmp_path / "out"
    about = json.loads(code(run, problems, out, "--json").stdout)
    assert (about["problems"], about["written"], about["samples"]) == (2, 2, 3)
    found = read(out)
    assert list(found) == ["HumanEval_0_first.json.gz", "HumanEval_1_second.json.gz"]
    rows = [json.loads(line) for line in problems.read_text().splitlines()]
    for row, form in zip(rows, found.values()):
        assert set(form) == FIELDS
        for field in ("name", "language", "prompt", "tests", "stop_tokens"):
            assert form[field] == row[field]
        assert (form["temperature"], form["top_p"], form["max_tokens"]) == (0.8, 0.95, 12)
        assert len(form["completions"]) == 3 and len(set(form["completions"])) > 1
        assert not any(stop in text for stop in form["stop_tokens"] for text in form["completions"])
    # What would stop Path.glob("*.json") of the evaluation: nothing else is JSON.
    assert [path.name for path in out.iterdir() if not path.name.endswith(".json.gz")] == ["about.txt"]


def test_completions_are_greedy_where_asked_and_end_before_a_stop_text(run, problems, tmp_path):
    code(run, problems, tmp_path / "out", "--temperature", 0, "--limit", 1)
    form = read(tmp_path / "out")["HumanEval_0_first.json.gz"]
    text = run("generate", *MODEL, "--prompt", form["prompt"], "--max-tokens", 12).stdout.removesuffix("\n")
    ends = [text.find(stop) for stop in form["stop_tokens"] if stop in text]
    assert form["completions"] == [text[:min(ends)] if ends else text] * 3


def test_a_folder_is_gone_on_with(run, problems, tmp_path):
    out = tmp_path / "out"
    code(run, problems, out)
    whole = read(out)
    (out / "HumanEval_1_second.json.gz").unlink()
    assert "exists" in code(run, problems, out, code=INVALID).stderr
    assert "other options" in code(run, problems, out, "--resume", "--seed", 1, code=INVALID).stderr
    assert "(1 of them now)" in code(run, problems, out, "--resume").stdout
    assert read(out) == whole


def test_an_edit_changes_what_is_written(run, problems, tmp_path):
    edit = tmp_path / "e.json"
    edit.write_text(json.dumps({"format": "expertoire.routing_edit", "version": 1, "edits": [
        {"action": "scale", "layers": [0, 1], "experts": list(range(0, 262144, 2)), "factor": 0}]}))
    code(run, problems, tmp_path / "a", "--stop", "zzz")
    code(run, problems, tmp_path / "b", "--stop", "zzz", "--edit", edit)
    assert read(tmp_path / "a") != read(tmp_path / "b")
    assert read(tmp_path / "a")["HumanEval_0_first.json.gz"]["stop_tokens"][-1] == "zzz"


def test_what_is_no_problem_is_refused(run, tmp_path):
    plain = write_rows(tmp_path / "p.jsonl", [{"task_id": "Python/0", "prompt": "def f():\n", "test": "check(f)"}])
    assert "--language" in code(run, plain, tmp_path / "out", code=BAD_FILE).stderr
    assert not (tmp_path / "out").exists()
    code(run, plain, tmp_path / "out", "--language", "py")
    assert read(tmp_path / "out")["Python_0.json.gz"]["language"] == "py"
