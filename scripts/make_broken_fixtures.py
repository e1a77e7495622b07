#!/usr/bin/env python3
"""Writes tests/fixtures/broken/: files that every reader must refuse, and what it must say.

    scripts/make_broken_fixtures.py [FOLDER]

The cases stand in broken_fixtures/. Each lies in a folder named after its reader and is a file, or
a folder of files where the reader takes one. expected.json beside them holds, by path: what is
wrong, the error's code, and words that its parts `found` and `expected` (and `operation`, where it
names a tensor) must hold. Same bytes on every run.
"""

import json
import shutil
import sys
from pathlib import Path

from broken_fixtures import inputs, settings, tensors, tokenizers

FOLDER = Path(__file__).resolve().parent.parent / "tests/fixtures/broken"
# Reader → its cases and the ending of their names ("" where the names have their own).
READERS = {
    "safetensors": (tensors.SAFETENSORS, ".safetensors"),
    "index": (tensors.INDEX, ""),
    "model": (tensors.MODEL, ""),
    "calibration": (tensors.CALIBRATION, ".safetensors"),
    "config": (settings.CONFIG, ".json"),
    "generation_config": (settings.GENERATION, ".json"),
    "tokenizer": (tokenizers.TOKENIZER, ".json"),
    "edit": (inputs.EDITS, ".json"),
    "ids": (inputs.IDS, ".json"),
    "jsonl": (inputs.JSONL, ""),
    "npy": (inputs.NPY, ".npy"),
}


def write(folder):
    shutil.rmtree(folder, ignore_errors=True)
    table = {}
    for reader, (cases, ending) in READERS.items():
        for name, content, what, code, found, expected, *names in cases:
            path = Path(reader) / (name if isinstance(content, dict) else name + ending)
            assert str(path) not in table, path
            table[str(path)] = {"what": what, "code": code, "found": found, "expected": expected}
            if names and names[0]:
                table[str(path)]["operation"] = names[0]
            files = content if isinstance(content, dict) else {"": content}
            for file, data in files.items():
                target = folder / path / file
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
    text = json.dumps(dict(sorted(table.items())), indent=1, ensure_ascii=False)
    (folder / "expected.json").write_text(text + "\n")
    return len(table)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    print(f"{write(target)} cases in {target}")
