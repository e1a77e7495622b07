"""eval suite: a list of tasks into one file, resumable."""

import json

import pytest
from eval_support import results, write_rows
from program import BAD_FILE, INVALID, NOT_FOUND, ROOT, sentence
from program import run as start_program

FIXTURE = ROOT / "tests/fixtures/eval/generic.jsonl"


@pytest.fixture
def folder(sentences, tmp_path):
    """Data of two tasks, and a suite of them."""
    data = tmp_path / "data"
    data.mkdir()
    write_rows(data / "pairs.jsonl", [{"sentence1": sentences[i], "sentence2": sentences[i + 1], "score": i % 5}
                                      for i in range(40)])
    (data / "generic.jsonl").write_bytes(FIXTURE.read_bytes())
    write_suite(tmp_path)
    return tmp_path


def write_suite(folder, **second):
    runs = [{"task": "sts", "data": ["pairs.jsonl"], "options": ["--kind", "hidden", "sum"]},
            {"task": "choice", "data": ["generic.jsonl"], "options": []} | second]
    (folder / "own.json").write_text(json.dumps(
        {"format": "expertoire.eval_suite", "version": 1, "name": "own", "about": "Two tasks.", "runs": runs}))


def suite(folder, *arguments):
    return start_program("eval", "suite", folder / "own.json", "--data-folder", folder / "data", "--out",
                         folder / "out.jsonl", "--resamples", "50", *arguments)


def test_results_are_those_of_the_commands(run, folder):
    done = suite(folder, "--report", folder / "out.html")
    assert done.returncode == 0, done.stderr
    got = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    alone = (results(run, "sts", "--data", folder / "data/pairs.jsonl", "--kind", "hidden", "sum", "--resamples", "50")
             + results(run, "choice", "--data", folder / "data/generic.jsonl", "--resamples", "50"))
    assert [row.pop("suite") for row in got] == ["own"] * 3
    for row in got + alone:
        assert row.pop("provenance")["data"]
    assert got == alone
    assert not (folder / "out.jsonl.parts").exists()
    run("eval", "report", folder / "out.jsonl", "--out", folder / "again.html")
    for page in ("out.html", "again.html"):
        assert "<h2>sts</h2>" in (folder / page).read_text() and "<h2>generic</h2>" in (folder / page).read_text()


def test_what_was_finished_is_not_done_again(folder):
    write_suite(folder, options=["--shots", "1000"])  # the second run fails
    assert suite(folder).returncode == INVALID
    [finished] = (folder / "out.jsonl.parts").glob("*.jsonl")
    rows = [json.loads(line) | {"seen": True} for line in finished.read_text().splitlines()]
    write_rows(finished, rows)
    write_suite(folder)
    assert suite(folder).returncode == 0
    got = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    assert [row.get("seen", False) for row in got] == [True, True, False]


def test_other_data_are_scored_anew(folder):
    write_suite(folder, options=["--shots", "1000"])
    assert suite(folder).returncode == INVALID
    lines = (folder / "data/pairs.jsonl").read_text().splitlines(keepends=True)
    (folder / "data/pairs.jsonl").write_text("".join(lines[:30]))
    write_suite(folder)
    assert suite(folder).returncode == 0
    assert json.loads((folder / "out.jsonl").read_text().splitlines()[0])["n"] == 30


def test_other_shots_are_scored_anew(folder):
    shots = folder / "data/shots.jsonl"
    rows = FIXTURE.read_text().splitlines(keepends=True)

    def finish(count):
        choice = {"task": "choice", "data": ["generic.jsonl"],
                  "options": ["--shots", "1", "--shots-from", "{data}/shots.jsonl"]}
        fails = {"task": "choice", "data": ["generic.jsonl"], "options": ["--shots", "1000"]}
        (folder / "own.json").write_text(json.dumps({"format": "expertoire.eval_suite", "version": 1, "name": "own",
                                                     "about": "", "runs": [choice, fails]}))
        assert suite(folder).returncode == INVALID
        assert len(list((folder / "out.jsonl.parts").glob("*.jsonl"))) == count
    shots.write_text(rows[0] + rows[1])
    finish(1)
    finish(1)
    shots.write_text(rows[1] + rows[0])
    finish(2)


def test_missing_data_and_bad_suites(folder, tmp_path):
    write_suite(folder, data=["none.jsonl"])
    done = suite(folder)
    assert done.returncode == NOT_FOUND and "--skip-missing" in sentence(done.stderr)
    done = suite(folder, "--skip-missing")
    assert done.returncode == 0 and "none.jsonl" in done.stderr.decode()
    write_suite(folder, options=["--rhymes"])
    done = suite(folder)
    assert done.returncode == INVALID and "choice" in done.stderr.decode().splitlines()[-1]
    write_suite(folder, task="poetry")
    done = suite(folder)
    assert done.returncode == BAD_FILE and "poetry" in sentence(done.stderr)
    assert start_program("eval", "suite", "nosuch", "--data-folder", folder, "--out",
                         tmp_path / "o.jsonl").returncode == NOT_FOUND


@pytest.mark.parametrize("name", ["moee", "language"])
def test_shipped_suites_are_read(tmp_path, name):
    """With no data at all: every file is left out, by its name."""
    done = start_program("eval", "suite", name, "--data-folder", tmp_path, "--out", tmp_path / "o.jsonl",
                         "--skip-missing")
    *left_out, refusal = done.stderr.decode().splitlines()
    assert done.returncode == NOT_FOUND and "--data-folder" in refusal and len(left_out) >= 7
