"""scripts/study_moee on a few rows: the page says what `expertoire eval` says."""

import json
import os
import subprocess
import sys

from eval_support import results, write_rows
from program import PROGRAM, ROOT

ROWS = 12
MODEL = "monet-small"  # the page has two; one is enough to see that it tells the truth
ENVIRONMENT = os.environ | {"EXPERTOIRE_PROGRAM": str(PROGRAM)}


def make_data(folder, rows):
    """A file for each data set of the study, of sentences with the subject of their book."""
    texts, subjects = [row["text"] for row in rows], [row["subject"] for row in rows]
    kinds = sorted(set(subjects))[:3]
    labelled = [{"text": t, "label": kinds.index(s)} for t, s in zip(texts, subjects) if s in kinds]
    pairs = [(texts[i], texts[(7 * i) % 60], i) for i in range(1, 40)]
    files = {f"sts/{name}.jsonl": [{"sentence1": a, "sentence2": b, "score": i % 6} for a, b, i in pairs]
             for name in ("STS12", "SICK-R", "STSBenchmark.test")}
    files |= {f"classification/{name}.jsonl": labelled
              for name in ("emotion.train", "emotion.test", "tweeteval_offensive.train", "tweeteval_offensive.test")}
    files["pairs/twitter_url.test.jsonl"] = [{"sentence1": a, "sentence2": b, "label": i % 2} for a, b, i in pairs]
    files["clustering/searchsnippets.jsonl"] = labelled
    files["rerank/wikiqa.test.jsonl"] = [{"query": a, "positive": [b], "negative": texts[60 + i:64 + i]} for a, b, i in pairs]
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_rows(folder / name, content)


def test_the_page_has_the_numbers_of_the_program(run, root, tmp_path):
    rows = [json.loads(line) for line in (root / "data/demo/openstax.jsonl").read_text(encoding="utf-8").splitlines()]
    make_data(tmp_path / "data", rows)
    done = subprocess.run([sys.executable, ROOT / "scripts/study_moee", "--data", tmp_path / "data", "--rows", str(ROWS),
                           "--work", tmp_path / "work", "--docs", tmp_path / "docs", "--resamples", "50",
                           "--models", MODEL],
                          capture_output=True, encoding="utf-8", env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr[-2000:]
    page = (tmp_path / "docs/moee.md").read_text(encoding="utf-8")
    [cut] = [path for path in tmp_path.glob("work/data/*/STS12.jsonl")
             if len(path.read_text(encoding="utf-8").splitlines()) == ROWS]
    _, section = page.split(f"\n## {MODEL}\n")
    for calibration, rows in zip(("none", "batch"), section.split("| model sum |")[1:3], strict=True):
        [alone] = results(run, "sts", "--data", cut, "--kind", "sum", "--prompt", "prompteol", "--model", MODEL,
                          "--calibration", calibration)
        low, high = alone["intervals"]["spearman"]
        assert rows.split(" | ")[0].strip() == f"{100 * alone['spearman']:.1f} ({100 * low:.1f}–{100 * high:.1f})"
    assert f"STS12: spearman, n {ROWS}" in section and "| tfidf |" in section and "| model sum 0.5 |" in section
    for name in ("complementarity", "prompts", "ablation", "errors"):
        assert f"(moee-{MODEL}-{name}.svg)" in section and (tmp_path / f"docs/moee-{MODEL}-{name}.svg").exists()
    assert "{" not in page and f"| {MODEL}, none | {MODEL}, batch |" in page


def comparison(verdict, interval=True):
    return {"verdict": verdict, "difference": 0.015} | ({"interval": [0, 1]} if interval else {})


def test_answers_follow_from_intervals():
    sys.path.insert(0, str(ROOT / "scripts"))
    from study import moee
    assert moee.counted([comparison("higher"), comparison("lower"), comparison(None), comparison(None, False)]) == \
        "higher on 1, lower on 1 of 3"
    assert moee.verdict_cell(comparison("higher")) == "**higher** (+1.5)"
    assert moee.verdict_cell(comparison(None, False)).startswith("no interval")
    result = {"intervals": {"a": [0.1, 0.2], "b": [0.3, 0.4], "c": [0.15, 0.35]}}
    assert [moee.apart(result, *two) for two in ("ab", "ba", "ac")] == ["yes", "no, the contrary", "not shown"]


def test_missing_data_are_named(tmp_path):
    done = subprocess.run([sys.executable, ROOT / "scripts/study_moee", "--data", tmp_path, "--work", tmp_path / "work",
                           "--docs", tmp_path / "docs"], capture_output=True, encoding="utf-8", env=ENVIRONMENT)
    assert done.returncode == 1 and "STS12.jsonl" in done.stderr and not (tmp_path / "docs/moee.md").exists()
