"""Rules of the source tree that no compiler holds. Prints each violation; exit 1 if there is one.

    source_rules.py [ROOT]
"""

import re
import subprocess
import sys
from pathlib import Path

# Folders of src/, bottom to top: a file includes its own folder and those of lower rows.
LAYERS = [
    ["base"],
    ["simd"],
    ["tensor"],
    ["io"],
    ["tokenizer", "routing"],
    ["ffn"],
    ["model"],
    ["engine"],
    ["embed"],
    ["eval"],
    ["analysis"],
    ["server", "cli", "python"],
    ["train"],
]
RANK = {folder: rank for rank, row in enumerate(LAYERS) for folder in row}
MAX_LINES = 450
# Built by concatenation, so that this file does not refuse itself.
MACHINE_PATH = re.compile("(?<![\\w.])(/" + "work/|/" + "home/[a-z]|/" + "root/)")
INTRINSIC = re.compile(r"immintrin\.h|\b_mm\d*_\w+|\b__m(128|256|512)\w*")
SIMD_LEVELS = {"avx2.cc", "avx2_sparse.cc", "avx512.cc", "avx512_sparse.cc", "avx512bf16.cc", "neon.cc"}
TORCH = re.compile(r'#include [<"](?:torch|ATen|c10|caffe2)/')
HTTP = re.compile(r'#include [<"]curl/')
LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)\s]*)?\)")
SKIP = re.compile(r"GTEST_SKIP|EXPERTOIRE_NEEDS_SHARED|pytest\.skip|pytest\.mark\.skip|importorskip")
TEXT = {".cc", ".h", ".py", ".md", ".cmake", ".txt", ".json", ".sh", ".yml", ".toml", ""}


def tracked(root):
    """Files under version control, or all where there is none (the tests of this script)."""
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"],
        capture_output=True, text=True)
    if listed.returncode == 0 and listed.stdout:
        return [root / line for line in listed.stdout.splitlines() if (root / line).is_file()]
    return [path for path in root.rglob("*") if path.is_file()]


def include_direction(path, relative, text):
    parts = relative.parts
    if parts[0] != "src" or len(parts) < 3:
        return
    own = parts[1]
    if own not in RANK:
        yield f"folder src/{own} has no place in LAYERS"
        return
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'#include "([a-z0-9_]+)/', line)
        if not match or match[1] not in RANK or match[1] == own:
            continue
        # Tests look at anything up to their own layer's programs.
        if RANK[match[1]] >= RANK[own] and not relative.name.endswith("_test.cc"):
            yield f"line {number}: {own} may not include {match[1]}"


def intrinsics(path, relative, text):
    if path.suffix not in {".cc", ".h"}:
        return
    if relative.parts[:2] == ("src", "simd") and relative.name in SIMD_LEVELS:
        return
    if str(relative) == "bench/peak.cc":  # what the CPU can do at most cannot be asked in plain C++
        return
    for number, line in enumerate(text.splitlines(), 1):
        if INTRINSIC.search(line):
            yield f"line {number}: intrinsics belong in src/simd/<level>.cc"


def libtorch(path, relative, text):
    """Only src/train/torch may include libtorch."""
    if path.suffix not in {".cc", ".h"} or relative.parts[:3] == ("src", "train", "torch"):
        return
    for number, line in enumerate(text.splitlines(), 1):
        if TORCH.match(line):
            yield f"line {number}: libtorch belongs in src/train/torch"


def http_library(path, relative, text):
    """Only src/io/http_client.cc may include libcurl."""
    if path.suffix not in {".cc", ".h"} or str(relative) == "src/io/http_client.cc":
        return
    for number, line in enumerate(text.splitlines(), 1):
        if HTTP.match(line):
            yield f"line {number}: libcurl belongs in src/io/http_client.cc"


def size(path, relative, text):
    lines = text.count("\n")
    if path.suffix in {".cc", ".h", ".py"} and lines > MAX_LINES:
        yield f"{lines} lines, at most {MAX_LINES}"


def machine_paths(path, relative, text):
    for number, line in enumerate(text.splitlines(), 1):
        if MACHINE_PATH.search(line):
            yield f"line {number}: a path of one machine"


def links(path, relative, text):
    if path.suffix != ".md":
        return
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        if not (path.parent / target).exists():
            yield f"broken link {target}"


def one_definition(headers):
    """No type of src/ is defined in two headers of one namespace: the linker would take either. `headers`: {relative: text}."""
    seen = {}
    for relative, text in sorted(headers.items()):
        namespace = re.search(r"^namespace ([\w:]+) \{", text, re.MULTILINE)
        for name in re.findall(r"^(?:struct|class|enum class) (\w+)(?: final)?(?: : [^;{]*)? \{", text, re.MULTILINE):
            key = (namespace[1] if namespace else "", name)
            if key in seen:
                yield f"{relative}: {name} is defined in {seen[key]} too"
            seen.setdefault(key, relative)


def skipped_rows(path, relative, text, listed):
    """tests/SKIPPED.md has a row for every file that may skip a test."""
    if relative.parts[0] not in {"src", "tests"} or path.suffix not in {".cc", ".h", ".py"}:
        return
    if SKIP.search(text) and str(relative) not in listed:
        yield "may skip a test: give it a row in tests/SKIPPED.md"


def violations(root):
    skipped = root / "tests/SKIPPED.md"
    listed = skipped.read_text() if skipped.exists() else ""
    headers = {}
    for path in tracked(root):
        relative = path.relative_to(root)
        if path.suffix not in TEXT or "fixtures" in relative.parts or "fuzz" in relative.parts[:2]:
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        if relative.parts[0] == "src" and path.suffix == ".h":
            headers[str(relative)] = text
        for rule in (include_direction, intrinsics, libtorch, http_library, size, machine_paths, links):
            for message in rule(path, relative, text):
                yield f"{relative}: {message}"
        for message in skipped_rows(path, relative, text, listed):
            yield f"{relative}: {message}"
    yield from one_definition(headers)
    for name in re.findall(r"`((?:src|tests)/[\w/.]+)`", listed):
        if not (root / name).exists():
            yield f"tests/SKIPPED.md: names {name}, which is not there"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    found = list(violations(root))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
