"""The broken files in the repository are those that the script writes."""

import subprocess
import sys

from program import ROOT

FOLDER = ROOT / "tests/fixtures/broken"


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*") if path.is_file()}


def test_the_script_writes_the_same_bytes(tmp_path):
    script = ROOT / "scripts/make_broken_fixtures.py"
    subprocess.run([sys.executable, script, tmp_path / "broken"], check=True, capture_output=True)
    written, there = contents(tmp_path / "broken"), contents(FOLDER)
    assert written.keys() == there.keys()
    assert [name for name in there if there[name] != written[name]] == []


def test_they_are_small():
    assert sum(map(len, contents(FOLDER).values())) < 300_000
