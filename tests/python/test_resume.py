"""kill -9 at random moments of embed, then --resume: the bytes of an undisturbed run."""

import json
import random
import time

import pytest
from program import BAD_FILE, INVALID, corpus, names, run, sentence, start

KILLS = 8  # of each format
EVERY = ["--checkpoint-every", 40]


def check_journal(folder, out):
    """What a killed run left can be continued, or there is nothing yet."""
    partial, journal = folder / f"{out}.partial", folder / f"{out}.partial.json"
    if journal.exists() and partial.exists():
        record = json.loads(journal.read_text())
        assert record["rows"] > 0
        assert partial.stat().st_size >= record["bytes"]


@pytest.mark.parametrize("ending", ["npy", "jsonl", "f32"])
def test_killed_at_random_moments(ending, tmp_path):
    texts = corpus(tmp_path / "texts.jsonl", 4000)
    whole, out = tmp_path / f"whole.{ending}", f"out.{ending}"
    began = time.monotonic()
    assert run("embed", "--kind", "sum", "--input", texts, "--out", whole, *EVERY).returncode == 0
    seconds = time.monotonic() - began
    chance = random.Random(ending)
    arguments = ["embed", "--kind", "sum", "--input", texts, "--out", tmp_path / out, "--resume",
                 *EVERY]
    kills = finished = 0
    while kills < KILLS:
        process = start(*arguments)
        try:
            process.wait(timeout=chance.uniform(0, seconds / 3))
        except Exception:  # still at work
            process.kill()
            kills += 1
        process.communicate()
        assert process.returncode in (0, -9)
        check_journal(tmp_path, out)
        if process.returncode == 0:  # a whole run in between: the next one starts over
            finished += 1
            assert (tmp_path / out).read_bytes() == whole.read_bytes()
    assert run(*arguments).returncode == 0
    assert (tmp_path / out).read_bytes() == whole.read_bytes()
    assert names(tmp_path) == sorted(["texts.jsonl", f"whole.{ending}", f"whole.{ending}.meta.json",
                                      out, f"{out}.meta.json"])
    if ending == "jsonl":
        rows = [json.loads(line)["index"] for line in (tmp_path / out).read_text().splitlines()]
        assert rows == list(range(4000))


@pytest.fixture
def begun(tmp_path):
    """A run that was killed after some checkpoints."""
    texts = corpus(tmp_path / "texts.jsonl", 1200)
    out = tmp_path / "out.npy"
    arguments = ["embed", "--input", texts, "--out", out, *EVERY]
    process = start(*arguments)
    journal = tmp_path / "out.npy.partial.json"
    while not journal.exists() and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    process.communicate()
    assert journal.exists() and not out.exists()
    return texts, out, arguments


@pytest.mark.parametrize("change, words", [
    (["--kind", "routing"], '"kind"'),
    (["--prompt", "prompteol"], '"prompt"'),
    (["--compute", "f32"], '"compute"'),
    (["--field", "subject"], '"field"'),
])
def test_another_option_is_refused(change, words, begun):
    _, out, arguments = begun
    before = (out.parent / "out.npy.partial").read_bytes()
    result = run(*arguments, *change, "--resume")
    assert result.returncode == INVALID
    line = sentence(result.stderr)
    assert words in line and "without --resume" in line
    # And what was begun is still there to be continued.
    assert (out.parent / "out.npy.partial").read_bytes() == before
    assert run(*arguments, "--resume").returncode == 0


@pytest.mark.parametrize("change", ["first line", "fewer lines", "a line more at the front"])
def test_another_input_is_refused(change, begun):
    texts, out, arguments = begun
    lines = texts.read_text().splitlines(keepends=True)
    changed = {"first line": [json.dumps({"text": "Another."}) + "\n", *lines[1:]],
               "fewer lines": lines[:10],
               "a line more at the front": [lines[-1], *lines]}[change]
    texts.write_text("".join(changed))
    result = run(*arguments, "--resume")
    assert result.returncode == INVALID
    assert "another input" in sentence(result.stderr)
    assert not out.exists()


def test_what_a_kill_at_the_very_end_leaves_is_cleared(begun, tmp_path):
    _, out, arguments = begun
    (tmp_path / "out.npy.meta.json.tmp-1").write_text("half")
    (tmp_path / "out.npy.partial.json.tmp-1").write_text("half")
    assert run(*arguments, "--resume").returncode == 0
    assert names(tmp_path) == ["out.npy", "out.npy.meta.json", "texts.jsonl"]


def test_a_longer_input_is_continued(begun):
    """Lines that come after what was done are as good as those that were there."""
    texts, out, arguments = begun
    corpus(texts, 1300)
    assert run(*arguments, "--resume").returncode == 0
    whole = out.parent / "whole.npy"
    assert run("embed", "--input", texts, "--out", whole).returncode == 0
    assert out.read_bytes() == whole.read_bytes()


def test_a_run_that_starts_over_forgets_the_journal(begun):
    """Else a later --resume would take the old journal's word for the new file."""
    _, out, arguments = begun
    process = start(*arguments[:-2])  # with the default, which is more than there are texts
    partial = out.parent / "out.npy.partial"
    size = partial.stat().st_size
    while partial.stat().st_size >= size and process.poll() is None:
        time.sleep(0.002)
    process.kill()
    process.communicate()
    assert process.returncode == -9
    assert not (out.parent / "out.npy.partial.json").exists()


def test_a_damaged_journal_is_refused(begun):
    _, out, arguments = begun
    journal = out.parent / "out.npy.partial.json"
    record = json.loads(journal.read_text())
    journal.write_text(json.dumps({**record, "rows": -1}))
    result = run(*arguments, "--resume")
    assert result.returncode == BAD_FILE
    assert '"rows" is -1' in sentence(result.stderr)
    journal.write_text(json.dumps({**record, "bytes": 1 << 40}))
    result = run(*arguments, "--resume")
    assert result.returncode == BAD_FILE
    assert "by its journal" in sentence(result.stderr)
