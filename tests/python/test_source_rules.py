"""scripts/checks/source_rules.py refuses what it is there to refuse: each rule broken once, in a
tree of its own, and the rest of that tree left in peace."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/checks/source_rules.py"
# Put together, so that the rules do not refuse this file.
MACHINE = "/" + "work/somewhere"
HOME = "/" + "home/someone"
SKIP = "GTEST_" + "SKIP"
NEEDS = "EXPERTOIRE_" + "NEEDS_SHARED"
GOOD = {
    "README.md": "[the code](src/base/a.h) and [elsewhere](https://example.org/x)\n",
    "src/base/a.h": '#include <vector>\n',
    "src/model/b.cc": '#include "base/a.h"\n#include "model/b.h"\n#include "ffn/f.h"\n',
    "src/simd/avx2.cc": '#include <immintrin.h>\n__m256 x = _mm256_setzero_ps();\n',
    "src/train/torch/t.cc": '#include <ATen/core/Tensor.h>\n#include "cli/command.h"\n',
    "src/base/a_test.cc": '#include "engine/session.h"\n',
}


def violations(folder, files):
    for name, text in {**GOOD, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    result = subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True)
    assert result.returncode == (1 if result.stdout else 0), result.stderr
    return result.stdout.splitlines()


def test_one_definition(tmp_path):
    first = "namespace expertoire {\nstruct Twin {\n};\nstruct Other;\n}\n"
    files = {"src/base/one.h": first, "src/io/two.h": first.replace("struct Twin {", "class Twin final : public Other {"),
             "src/train/three.h": first.replace("namespace expertoire", "namespace expertoire::train")}
    assert violations(tmp_path, files) == ["src/io/two.h: Twin is defined in src/base/one.h too"]


def test_good_tree_passes(tmp_path):
    assert violations(tmp_path, {}) == []


@pytest.mark.parametrize("name, text, message", [
    ("src/base/c.cc", '// x\n#include "model/b.h"\n', "src/base/c.cc: line 2: base may not include model"),
    ("src/tokenizer/c.h", '#include "routing/r.h"\n', "tokenizer may not include routing"),
    ("src/embed/c.cc", '#include "eval/e.h"\n', "embed may not include eval"),
    ("src/base/sub/c.cc", '#include "cli/x.h"\n', "base may not include cli"),
    ("src/newcomer/c.cc", "\n", "folder src/newcomer has no place"),
    ("src/ffn/c.cc", "#include <immintrin.h>\n", "line 1: intrinsics belong in src/simd"),
    ("src/simd/kernels.cc", "__m512 x;\n", "src/simd/kernels.cc: line 1: intrinsics"),
    ("src/base/c.h", "auto x = _mm_pause();\n", "intrinsics belong"),
    ("src/analysis/c.cc", "#include <curl/curl.h>\n", "line 1: libcurl belongs in src/io/http_client.cc"),
    ("src/train/c.cc", "#include <torch/torch.h>\n", "line 1: libtorch belongs in src/train/torch"),
    ("src/engine/c.cc", '#include "train/config.h"\n', "engine may not include train"),
    ("src/base/c.cc", "//\n" * 451, "451 lines, at most 450"),
    ("scripts/c.py", "#\n" * 451, "451 lines"),
    ("docs/a.md", "[gone](../src/base/gone.h)\n", "docs/a.md: broken link ../src/base/gone.h"),
    ("docs/a.md", "[part](b.md#there)\n", "broken link b.md"),
    ("docs/a.md", f"as in {MACHINE}\n", "docs/a.md: line 1: a path of one machine"),
    ("src/base/c.cc", f'const char* x = "{HOME}/x";\n', "a path of one machine"),
    ("scripts/run", f"cd {MACHINE}\n", "scripts/run: line 1: a path of one machine"),
    ("src/base/c_test.cc", f'{SKIP}() << "no data";\n', "give it a row in tests/SKIPPED.md"),
    ("src/base/c_test.cc", f'{NEEDS}("goldens");\n', "give it a row in tests/SKIPPED.md"),
    ("tests/SKIPPED.md", "| `src/base/gone_test.cc` | x |\n", "names src/base/gone_test.cc, which is not there"),
])
def test_broken_rule_is_named(tmp_path, name, text, message):
    found = violations(tmp_path, {name: text})
    assert len(found) == 1 and message in found[0], found


@pytest.mark.parametrize("name, text", [
    ("src/base/c.cc", "//\n" * 450),
    ("docs/a.md", "[here](#part) [mail](mailto:a@example.org) [up](../README.md#x)\n"),
    ("docs/a.md", "a framework/part and teamwork/x\n"),
    ("tests/fixtures/broken/a.md", f"[gone](gone.md) {MACHINE}\n"),
    ("tests/SKIPPED.md", "| `src/base/a_test.cc` | no data |\n"),
    ("src/base/data.bin", "//\n" * 1000),
])
def test_what_is_allowed_passes(tmp_path, name, text):
    assert violations(tmp_path, {name: text}) == []


def test_skip_with_a_row_passes(tmp_path):
    assert violations(tmp_path, {
        "src/base/c_test.cc": f'{SKIP}() << "no data";\n',
        "tests/SKIPPED.md": "| `src/base/c_test.cc` | no data |\n"}) == []


def test_files_that_git_ignores_are_left_alone(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    found = violations(tmp_path, {".gitignore": "build/\n", "build/a.md": f"{MACHINE}\n"})
    assert found == []
