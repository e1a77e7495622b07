"""scripts/study_experts: its parts of a corpus, what it keeps of commands, and pages that say what the commands say."""

import gzip
import json
import os
import subprocess
import sys
from string import Template

import pytest
from program import CORPUS, PROGRAM, ROOT

sys.path.insert(0, str(ROOT / "scripts"))

from study import labels, mask_kinds, masks, parts, pruning, steps, toxicity  # noqa: E402
from study.markdown import interval, span  # noqa: E402
from study.models import MODELS  # noqa: E402

SCRIPT = ROOT / "scripts/study_experts"
ENVIRONMENT = os.environ | {"EXPERTOIRE_PROGRAM": str(PROGRAM)}


def pack(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        file.write(text)
    return path


def texts(folder):
    return [json.loads(line)["text"] for path in sorted(folder.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()]


def test_rows_are_held_out_as_make_corpus_does(tmp_path):
    rows = [{"text": f"row {i}", "split": "validation" if i == 3 else "train"} for i in range(20)]
    file = pack(tmp_path / "algebra.jsonl.gz", "".join(json.dumps(row) + "\n" for row in rows))
    parts.write_parts([file], tmp_path / "out")
    assert texts(tmp_path / "out/held_out") == ["row 3", "row 7", "row 17"]
    a, b = texts(tmp_path / "out/a"), texts(tmp_path / "out/b")
    assert a[:3] == ["row 0", "row 2", "row 5"] and b[:3] == ["row 1", "row 4", "row 6"]
    assert len(a) + len(b) == 17 and not set(a) & set(b)


def test_lines_that_touch_a_held_out_piece_are_held_out_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "PIECE", 10)
    lines = [f"{i:03d}-\n" for i in range(40)]  # five characters each: the held-out pieces are 70 … 79 and 170 … 179
    lines[13] = "013-----\n"                    # nine, from 65 on: touches one, as do the next two, and 33 to 35
    pieces = list(parts.pieces_of(pack(tmp_path / "book.txt.gz", "".join(lines))))
    assert "".join(text for text, _ in pieces) == "".join(lines)
    assert "".join(text for text, held in pieces if held) == "".join(lines[13:16] + lines[33:36])
    assert all(len(text) <= 20 for text, _ in pieces)


@pytest.fixture()
def counted(tmp_path):
    """Steps over a program that answers with how often it was called and with what."""
    program = tmp_path / "program"
    program.write_text(f"""#!{sys.executable}
import json, pathlib, sys
calls = pathlib.Path({str(tmp_path / 'calls')!r})
calls.write_text((calls.read_text() if calls.exists() else "") + "x")
if "fail" in sys.argv: sys.exit(3)
pathlib.Path("out").write_text("made")
print(json.dumps({{"call": len(calls.read_text()), "arguments": sys.argv[1:]}}))
""")
    program.chmod(0o755)
    return steps.Steps(program, tmp_path / "work", tmp_path)


def test_a_step_is_made_once_and_anew_with_other_options(counted):
    first = counted.result("one", "--tokens", 5, out="out", partial="out.part")
    assert first["arguments"] == ["--tokens", "5", "--out", "out", "--json"]
    assert counted.result("one", "--tokens", 5, out="out", partial="out.part") == first
    (counted.work / "out.part").write_text("half")
    other = counted.result("one", "--tokens", 6, out="out", partial="out.part")
    assert other["call"] == 2 and "--resume" not in other["arguments"] and not (counted.work / "out.part").exists()
    (counted.work / "out.part").write_text("half")
    assert "--resume" in counted.result("new", "--tokens", 5, out="out", partial="out.part")["arguments"]


def test_a_step_of_a_model_that_was_trained_anew_is_made_anew(counted):
    (counted.models / "m").mkdir()
    weights = counted.models / "m/model.safetensors"
    weights.write_bytes(b"one")
    assert [counted.result("one", "--model", "m")["call"] for _ in range(2)] == [1, 1]
    index, _ = counted.index("m-a", "--model", "m")
    assert [counted.result("of-index", "--index", index)["call"] for _ in range(2)] == [3, 3]
    weights.write_bytes(b"two")
    assert counted.result("one", "--model", "m")["call"] == 4
    counted.index("m-a", "--model", "m")
    assert counted.result("of-index", "--index", index)["call"] == 6
    counted.index("m-a", "--model", "m", "--max-tokens", 5)
    assert counted.result("of-index", "--index", index)["call"] == 8


def test_a_step_that_fails_ends_the_study_and_keeps_nothing(counted):
    with pytest.raises(SystemExit, match="this failed: expertoire fail"):
        counted.result("one", "fail", out="out")
    assert not list((counted.work / "steps").glob("one*"))


def test_what_the_program_refuses_is_kept_in_its_words(counted):
    counted.program.write_text(f"#!{sys.executable}\nimport sys\nprint('expertoire: no blocks', file=sys.stderr)\n"
                               "sys.exit(int(sys.argv[1]))\n")
    assert counted.refusal("no", 5) == "no blocks"
    for code in (0, 1, 4):
        with pytest.raises(SystemExit, match=f"this was not refused .code {code}.: expertoire {code}"):
            counted.refusal("yes", code)


def test_numbers():
    assert interval({"value": 0.0035, "low": 0.0026, "high": 0.0045}, 1000) == "3.5 [2.6, 4.5]"
    assert interval([0.01, -0.02, 0.03], digits=2, sign="+") == "+0.01 [-0.02, +0.03]"
    assert interval({"value": 1, "low": None, "high": None}) == "1.0" and interval(None) == "–"
    assert span([19, 1595.4]) == "19 to 1,595" and span([2, 2]) == "2"


def mask(target, kind, change, others):
    bounds = lambda value: {"value": value, "low": value - 0.5, "high": value + 0.5}
    return {"target": target, "kind": kind, "change": {target: bounds(change)}, "others": bounds(others)}


def test_facts_of_masks_count_what_they_say():
    """One domain has all, one loses no more than the others, one than random experts, one nothing; a fifth has no claim."""
    changes = {"all": (10, 1, 1), "as others": (10, 5, 1), "as random": (10, 1, 5), "nothing": (0.4, -1, -1), "few": (10, 0, 0)}
    result = {"domains": [{"name": name, "claimed": name != "few", "documents": 3} for name in changes], "masks": []}
    for name, (own, others, random) in changes.items():
        result["masks"] += [mask(name, "selected", own, others), mask(name, "same_mass", random, 0)]
    lines = masks.facts(result).splitlines()
    assert [line.split(" ")[1:4] for line in lines] == [["3", "of", "4"], ["2", "of", "4"], ["2", "of", "4"]]
    assert "few (3 texts)" in masks.left_out(result)


def test_a_mask_study_in_one_row():
    """Of three domains one loses all, one as much as the others; the third has no text."""
    bounds = lambda value: {"value": value, "low": value - 0.5, "high": value + 0.5}
    changes = {"all": (10, 1, 1), "as others": (10, 5, 1), "few": (10, 0, 0)}
    domain = lambda name: {"name": name, "claimed": name != "few", "documents": 3, "bits_per_byte": bounds(2)}
    result = {"domains": [domain(name) for name in changes], "masks": [],
              "summary": {"selected": {"target": bounds(10), "others": bounds(3), "ratio": bounds(4)},
                          "same_mass": {"target": bounds(1)}}}
    for name, (own, others, random) in changes.items():
        result["masks"] += [mask(name, "selected", own, others) | {"experts": 2 + own, "mass_share": 0.25},
                            mask(name, "same_mass", random, 0)]
    [model] = [model for model in MODELS if model.name == "peer"]
    assert mask_kinds.row_of(model, "plain", result) == [
        "peer", "plain", "12", "25.00", "2.00", "10000.0 [9500.0, 10500.0]", "3000.0 [2500.0, 3500.0]", "4.0 [3.5, 4.5]", "–",
        "1000.0 [500.0, 1500.0]", "–", "2, 1, 2", 2]
    nothing = mask_kinds.row_of(model, "plain", None)
    assert nothing[2] == "0" and len(nothing) == 13
    ratio = lambda value: result | {"summary": {"selected": {"ratio": value and bounds(value)}}}
    of = {model.name: model for model in MODELS}
    found = {"smoe": ratio(2), "peer": ratio(None), "monet_hd": ratio(3), "olmoe-small": ratio(9), "monet_vd": None}
    plain, argmax = mask_kinds.order([(of[name], "argmax", one) for name, one in found.items()]).splitlines()
    assert plain == "- plain, target / others: none."
    assert argmax == ("- argmax, target / others: monet_hd 3.0 [2.5, 3.5], smoe 2.0 [1.5, 2.5]; the others lose nothing that can "
                      "be shown: peer.")


def test_facts_of_toxicity_name_what_excludes_zero():
    one = lambda name, low, high: {"set": "s", "name": name, "controls": {"mass": {"beyond": [(low + high) / 2, low, high]}}}
    words = toxicity.facts({"measures": [one("up", 0.1, 0.3), one("nothing", -0.1, 0.1), one("down", -0.3, -0.1)]})
    assert "2 of 3 measures: s, up (+0.2000" in words and "s, down" in words and "nothing" not in words


def test_toxicity_of_models_in_rows():
    """At 0.05 there is only one measure, which moves; at 0.1 there is no expert."""
    one = {"set": "likelihood", "name": "toxic less clean", "change": [0.2, 0.1, 0.3],
           "controls": {"mass": {"beyond": [0.1, 0.05, 0.2]}}}
    found = {"experts": [{"pearson": 0.08}], "thresholds": [{"threshold": 0.1, "experts": 0, "by_chance": 0, "mass": 0.0},
                                                            {"threshold": 0.05, "experts": 9, "by_chance": 2, "mass": 0.03}]}
    measured = {"thresholds": [{"system": "threshold 0.1", "measures": []}, {"system": "threshold 0.05", "measures": [one]}]}
    [peer] = [model for model in MODELS if model.name == "peer"]
    text = toxicity.comparison({"alike": Template("$table\n$facts")}, [(peer, (found, measured))]).splitlines()
    assert text[2] == "| peer | 0.080 | 0.1 | 0 | 0 | 0.00 |" + " – |" * 8
    assert text[3] == ("| peer | 0.080 | 0.05 | 9 | 2 | 3.00 |" + " – |" * 4 + " +0.2000 [+0.1000, +0.3000] |"
                       " +0.1000 [+0.0500, +0.2000] | – | – |")
    assert text[4:] == ["- toxic less clean: peer at 0.05 (+0.1000 [+0.0500, +0.2000]).", "- expected maximum: none."]


def test_an_expert_with_two_reliable_labels_counts_once():
    label = lambda expert, reliable, accuracy: {"expert": expert, "reliable": reliable, "balanced_accuracy": accuracy}
    found = [("words", "", {"labels": [label("0:1", True, 0.9), label("0:2", True, 0.75), label("0:3", False, 0.9)]}),
             ("words", "", {"labels": [label("0:1", True, 0.9), label("0:4", True, 0.8)]}),
             ("self", "", {"labels": [label("0:5", True, 0.9)]})]
    assert [label["expert"] for label in labels.distinct(found)] == ["0:1", "0:4"]


def test_as_many_experts_of_each_label_are_asked():
    """Of three labels and seven experts, two each."""
    class Asked:
        def lines(self, *arguments):
            label = arguments[arguments.index("--label") + 1] if "--label" in arguments else "all"
            return [{"unit": f"{label} {i}"} for i in range(arguments[arguments.index("--limit") + 1])]

    assert labels.units_of(Asked(), "x.db", "each", 7, ["a", "b", "c"]) == ["a 0", "a 1", "b 0", "b 1", "c 0", "c 1"]
    assert labels.units_of(Asked(), "x.db", "max", 2, ["a", "b", "c"]) == ["all 0", "all 1"]


def test_facts_of_pruning():
    row = lambda by, value: {"by": by, "share": 0.5, "after": {"perplexity": {"value": value}}}
    result = {"rows": [row("frequency", 2), row("reap", 4), row("random", 3), row("random", 5)], "experts": 8,
              "model": {"perplexity": {"value": 1.6}}}
    words = pruning.facts(result)
    assert words == "- 50 % kept: REAP above frequency (4.0 and 2.0); of 2 random rankings 1 are below REAP, 0 below frequency."
    result["rows"][0]["experts"] = 4
    models = [model for model in MODELS if model.name in ("smoe", "peer")]
    text = pruning.comparison({"alike": Template("$table\n$refused")}, list(zip(models, (result, "no blocks"))))
    assert text.splitlines()[2:] == ["| smoe | 4 of 8 | 1.6 | 1.25 | 2.50 | 1.88 to 3.12 |", "- peer: `no blocks`"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two "languages" of textbook sentences, the same as OpenStax, and rude texts."""
    folder = tmp_path_factory.mktemp("data")
    sentences = [json.loads(line)["text"] for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    for start, name in enumerate(("lua", "python")):
        own = sentences[400 * start:400 * start + 300]
        lines = "".join(json.dumps({"text": " ".join(own[i:i + 3])[:300]}) + "\n" for i in range(0, 300, 3))
        pack(folder / f"corpus/code/{name}.jsonl.gz", lines)
        pack(folder / f"corpus/openstax/{name}.jsonl.gz", lines)
    rude = [{"prompt": {"text": f"Number {i} said", "toxicity": 0.1},
             "continuation": {"text": f" he is a {'stupid fool' if i % 2 else 'good friend'}", "toxicity": 0.9 * (i % 2)}}
            for i in range(60)]
    pack(folder / "toxicity/realtoxicityprompts.jsonl.gz", "".join(json.dumps(row) + "\n" for row in rude))
    pack(folder / "toxicity/toxigen_prompts.jsonl.gz", "".join(
        json.dumps({"prompt": f"they are {i}", "label": ("hate", "neutral")[i % 2]}) + "\n" for i in range(4)))
    return folder


@pytest.fixture(scope="module")
def study(data, tmp_path_factory):
    """study(page): the text of the page, where it lies, and what the script said."""
    folder = tmp_path_factory.mktemp("study")

    def run(page):
        done = subprocess.run(
            [sys.executable, SCRIPT, page, "--data", data, "--models", "olmoe-small", "peer", "--tokens", "64", "--prompts", "1",
             "--samples", "1", "--experts", "12", "--work", folder / "work", "--docs", folder / "docs"], capture_output=True,
            encoding="utf-8", env=ENVIRONMENT)
        assert done.returncode == 0, done.stderr[-2000:]
        text = (folder / f"docs/{page}.md").read_text(encoding="utf-8")
        assert "$" not in text and "nan" not in text.split()
        return text, folder, done.stderr
    return run


def test_the_page_of_code_has_the_numbers_of_mask_study(study):
    text, folder, said = study("code")  # nothing qualifies, of so few words
    assert "### qualified" in text and "nothing was masked" in text
    found = json.loads((folder / "work/code/olmoe-small-argmax/study.json").read_text(encoding="utf-8"))
    assert f"| selected | {span([m['experts'] for m in found['masks'] if m['kind'] == 'selected'])} |" in text
    assert f"| {interval(found['summary']['selected']['target'], 1000)} |" in text
    assert "](code-olmoe-small-argmax.svg)" in text and (folder / "docs/code-olmoe-small-argmax.svg").exists()
    again, _, said_again = study("code")
    assert "expertoire experts mask-study" in said and again == text and "expertoire experts" not in said_again


@pytest.mark.parametrize("page, wanted", [("toxicity", "area under its ROC curve"), ("labels", "each counted once"),
                                          ("pruning", "(pruning-olmoe-small.svg)")])
def test_other_pages(study, page, wanted):
    text, folder, _ = study(page)
    assert wanted in text and "## olmoe-small" in text
    assert ("- peer: `weighing experts: a model of type peer" if page == "pruning" else "| peer |") in text
    for picture in (part.split(")")[0] for part in text.split("](") if ".svg" in part.split(")")[0]):
        assert (folder / "docs" / picture).read_text(encoding="utf-8").startswith("<svg")


def test_missing_data_are_named(tmp_path):
    (tmp_path / "data").mkdir()
    done = subprocess.run([sys.executable, SCRIPT, "code", "--data", tmp_path / "data", "--work", tmp_path / "work", "--docs",
                           tmp_path / "docs"], capture_output=True, encoding="utf-8", env=ENVIRONMENT)
    assert done.returncode == 1 and "no texts" in done.stderr and not (tmp_path / "docs/code.md").exists()
