"""The corpus of the expert studies in three parts: two halves to select experts from, and the text that scripts/make_corpus
held out of training. One JSON Lines file for each label, named after it."""

import gzip
import json
import sys

HALVES = ("a", "b")
HELD_OUT = "held_out"
EVERY, INDEX, PIECE = 10, 7, 20_000  # as scripts/make_corpus says


def rows_of(path):
    """(text, whether it was held out) of every row of a .jsonl.gz."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            row = json.loads(line)
            yield row["text"], number % EVERY == INDEX or row.get("split") == "validation"


def pieces_of(path):
    """The same of a .txt.gz: runs of whole lines of about PIECE characters. A line that touches a held-out piece is held
    out whole (src/io/hold_out.h)."""
    position, run, held, begun = 0, [], False, 0
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        for line in lines:
            last = position + max(len(line) - 1, 0)
            touches = any(piece % EVERY == INDEX for piece in range(position // PIECE, last // PIECE + 1))
            if run and (touches != held or position - begun >= PIECE):
                yield "".join(run), held
                run, begun = [], position
            run.append(line)
            held, position = touches, position + len(line)
    if run:
        yield "".join(run), held


def write_parts(files, out):
    """`out`/{a,b,held_out}/LABEL.jsonl, written once. What is not held out goes into a and b in turns."""
    done = out / "done"
    names = "\n".join(sorted(path.name for path in files))
    if done.exists() and done.read_text(encoding="utf-8") == names:
        return
    for path in files:
        label = path.name.split(".")[0]
        parts = {part: [] for part in (*HALVES, HELD_OUT)}
        kept = 0
        for text, held in (rows_of if ".jsonl" in path.name else pieces_of)(path):
            part = HELD_OUT if held else HALVES[kept % 2]
            kept += not held
            parts[part].append(json.dumps({"text": text}, ensure_ascii=False) + "\n")
        for part, lines in parts.items():
            (out / part).mkdir(parents=True, exist_ok=True)
            (out / part / f"{label}.jsonl").write_text("".join(lines), encoding="utf-8")
    done.write_text(names, encoding="utf-8")


def files_of(data, groups=None):
    """The corpus files of textbooks and of the books that `groups` (a file of domains) names; without it, of code."""
    if groups is None:
        files = sorted((data / "corpus/code").glob("*.jsonl.gz"))
    else:
        domains = json.loads(groups.read_text(encoding="utf-8"))["domains"]
        labels = {label for group in domains.values() for label in group}
        files = [path for folder, ending in (("openstax", "*.jsonl.gz"), ("books/*", "*.txt.gz"))
                 for path in sorted((data / "corpus").glob(f"{folder}/{ending}")) if path.name.split(".")[0] in labels]
    if not files:
        sys.exit(f"study_experts: no texts in {data}/corpus: name the folder of the data with --data")
    return files
