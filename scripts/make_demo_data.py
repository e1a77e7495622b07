#!/usr/bin/env python3
"""Picks the sentences that the repository ships, from OpenStax books.

  make_demo_data.py CORPUS OUT     CORPUS: a folder of <subject>.jsonl.gz with one module a line,
                                   {"subject", "module", "title", "text"}

Writes OUT/demo/openstax.jsonl (12 subjects x 6 modules x 5 sentences) and
OUT/calibration/openstax.jsonl (2,000 sentences of other modules, all subjects in turns).
Deterministic: modules and sentences are taken in the order of a hash of their names.
"""

import glob
import gzip
import hashlib
import json
import os
import re
import sys

DEMO_SUBJECTS = ["anatomy", "astronomy", "biology", "business_ethics", "chemistry", "economics",
                 "government", "philosophy", "physics", "psychology", "us_history", "writing"]
MODULES, SENTENCES, CALIBRATION = 6, 5, 2000


def order(*names):
    return hashlib.sha256("/".join(names).encode()).hexdigest()


def sentences(module):
    """Clean sentences of running text: 8 to 30 words, ordinary punctuation, not a heading or list."""
    found = []
    for paragraph in module["text"].split("\n"):
        if paragraph.startswith(("*", "#", "|")) or len(paragraph) < 120:
            continue
        for sentence in re.split(r"(?<=[.?!]) +(?=[A-Z])", paragraph):
            words = sentence.split()
            if not 8 <= len(words) <= 30 or not sentence.endswith("."):
                continue
            if not re.fullmatch(r"[A-Z][A-Za-z0-9 ,.;:'()’–—-]+\.", sentence):
                continue
            if re.search(r"\(?(Figure|Table|Section|Chapter|Example)\b|\bshown (above|below)", sentence):
                continue
            found.append(sentence)
    return found


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    corpus, out = sys.argv[1:]
    demo, by_subject = [], []
    for path in sorted(glob.glob(os.path.join(corpus, "*.jsonl.gz"))):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            modules = [json.loads(line) for line in lines]
        modules.sort(key=lambda m: order(m["subject"], m["module"]))
        rich = [m for m in modules if len(sentences(m)) >= SENTENCES]
        subject = modules[0]["subject"]
        chosen = rich[:MODULES] if subject in DEMO_SUBJECTS else []
        for module in chosen:
            picked = sorted(sentences(module), key=lambda s: order(module["module"], s))[:SENTENCES]
            demo += [{"text": s, "subject": subject, "module": module["module"],
                      "title": module["title"]} for s in picked]
        rest = [(m, s) for m in rich[len(chosen):] for s in sentences(m)[:6]]
        rest.sort(key=lambda pair: order(pair[0]["module"], pair[1]))
        by_subject.append([{"text": s, "subject": subject, "module": m["module"]}
                           for m, s in rest])
    calibration = [row for turn in zip(*(rows[:200] for rows in by_subject)) for row in turn]
    for name, rows in (("demo", demo), ("calibration", calibration[:CALIBRATION])):
        path = os.path.join(out, name, "openstax.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        print(f"{path}: {len(rows)} sentences")


if __name__ == "__main__":
    main()
