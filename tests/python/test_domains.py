"""experts domains and mask-study: the rule against a plain count, intervals against scipy's, scores
against `perplexity --edit`, and what is refused."""

import json
import sqlite3
import time

import numpy as np
import pytest
from program import BAD_FILE, CORPUS, INVALID, start
from scipy.stats import bootstrap

GROUPS = {"math": ["algebra", "mathematics", "statistics"],
          "history": ["history_ap", "us_history", "world_history"]}
LOOSE = ["--factor", 1.5, "--least-documents", 5, "--resamples", 4000]
STUDY = ["--seeds", 2, "--documents", 200, *LOOSE]


@pytest.fixture(scope="module")
def world(run, tmp_path_factory):
    """A folder with sentences of six subjects, two groups of them, and an index of every second
    sentence."""
    folder = tmp_path_factory.mktemp("domains")
    wanted = sorted(label for labels in GROUPS.values() for label in labels)
    rows = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    rows = list({row["text"]: row for row in rows}.values())  # what stands twice would be left out
    rows = [row for label in wanted for row in [r for r in rows if r["subject"] == label][:28]]
    (folder / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "groups.json").write_text(
        json.dumps({"format": "expertoire.domains", "version": 1, "domains": GROUPS}))
    run("experts", "index", "--input", *texts(folder, "train"), "--out", folder / "x.db")
    return folder


def texts(folder, part):
    return [folder / "texts.jsonl", "--label-field", "subject", "--hold-out", "1/2", "--part", part]


def chosen(folder):
    return ["--index", folder / "x.db", "--groups", folder / "groups.json"]


def study(folder, out):
    return ["experts", "mask-study", *chosen(folder), "--input", *texts(folder, "held-out"),
            "--out", out, *STUDY]


class Index:
    """The joint experts of an index, read without our code."""

    def __init__(self, path):
        database = sqlite3.connect(path)
        labels = database.execute("SELECT name, tokens FROM labels ORDER BY id").fetchall()
        domains = sorted(GROUPS)
        self.domain_of = [next(i for i, d in enumerate(domains) if name in GROUPS[d])
                          for name, _ in labels]
        self.label_tokens = np.array([tokens for _, tokens in labels])
        self.tokens = np.zeros(2)
        np.add.at(self.tokens, self.domain_of, self.label_tokens)
        self.layers = database.execute(
            "SELECT layer, experts, keys FROM layers ORDER BY layer").fetchall()
        kind = np.dtype([("mass", "f8"), ("count", "u4"), ("documents", "u4")])
        self.masses, self.held = {}, {}  # unit → [labels]
        for unit, blob in database.execute("SELECT id, labels FROM units"):
            if self.name(unit) is None:
                continue
            uses = np.zeros(len(labels), kind)
            stored = np.frombuffer(blob, kind)
            uses[:len(stored)] = stored
            self.masses[unit], self.held[unit] = uses["mass"], uses["documents"]
        self.documents = [
            (label, tokens, dict(zip(np.frombuffer(units, "i4"), np.frombuffer(masses, "f4"))))
            for label, tokens, units, masses in database.execute(
                "SELECT label, tokens, units, masses FROM documents ORDER BY id")]

    def name(self, unit):
        for layer, experts, keys in self.layers:
            if unit < experts:
                return f"{layer}:{unit // keys},{unit % keys}"
            unit -= experts
            if unit < 2 * keys:
                return None
            unit -= 2 * keys

    def rates(self, unit):
        sums = np.zeros(2)
        np.add.at(sums, self.domain_of, self.masses[unit])
        return sums / self.tokens

    def documents_of(self, unit, domain):
        """Mass and tokens of each of its documents; what is not stored lies evenly on the label."""
        rest = self.masses[unit].copy()
        for label, _, masses in self.documents:
            rest[label] -= masses.get(unit, 0)
        rest = np.maximum(rest, 0) / self.label_tokens
        return np.array([(masses.get(unit, 0) + rest[label] * tokens, tokens)
                         for label, tokens, masses in self.documents
                         if self.domain_of[label] == domain])


@pytest.fixture(scope="module")
def index(world):
    return Index(world / "x.db")


@pytest.fixture(scope="module")
def selection(run, world):
    out = world / "selected"
    found = json.loads(run("experts", "domains", *chosen(world), *LOOSE, "--out", out, "--json").stdout)
    lines = [json.loads(line) for line in (out / "experts.jsonl").read_text().splitlines()]
    return found, lines


def test_the_plain_rule_is_a_plain_count(index, selection):
    wanted = {}
    for unit in index.masses:
        rates = index.rates(unit)
        lead = int(rates[1] > rates[0])
        if rates[lead] > 0 and rates[lead] >= 1.5 * rates[1 - lead]:
            held = sum(int(n) for n, d in zip(index.held[unit], index.domain_of) if d == lead)
            wanted[index.name(unit)] = (sorted(GROUPS)[lead], held, rates[lead])
    found, lines = selection
    assert len(wanted) > 300
    assert {line["unit"] for line in lines} == set(wanted)
    for line in lines:
        domain, held, rate = wanted[line["unit"]]
        assert (line["domain"], line["documents"]) == (domain, held)
        assert line["mass_per_token"] == pytest.approx(rate)
        assert ("ratio_low" in line) == (held >= 5)
        assert line["qualifies"] == (held >= 5 and (line["ratio_low"] is None or line["ratio_low"] >= 1.5))
    for domain in found["domains"]:
        mine = [line for line in lines if line["domain"] == domain["name"]]
        assert domain["plain"] == len(mine) == sum(layer["plain"] for layer in domain["layers"])
        assert domain["qualified"] == sum(line["qualifies"] for line in mine)


def test_bounds_are_scipys(index, selection):
    by_name = {index.name(unit): unit for unit in index.masses}
    _, lines = selection
    asked = sorted((line for line in lines if line.get("ratio_low") and line["ratio"]),
                   key=lambda line: -line["documents"])[:6]
    assert len(asked) == 6
    for line in asked:
        lead = sorted(GROUPS).index(line["domain"])
        mine, others = (index.documents_of(by_name[line["unit"]], d) for d in (lead, 1 - lead))

        def share(i, j):
            first, second = mine[i.astype(int)].sum(axis=0), others[j.astype(int)].sum(axis=0)
            return (second[0] / second[1]) / (first[0] / first[1])

        interval = bootstrap((np.arange(len(mine)), np.arange(len(others))), share, vectorized=False,
                             n_resamples=4000, method="percentile", rng=np.random.default_rng(1))
        assert line["ratio_low"] == pytest.approx(1 / interval.confidence_interval.high, rel=0.08)


def test_edits_name_every_layer_of_a_router(run, world, selection):
    found, _ = selection
    for domain in found["domains"]:
        assert domain["qualified"] > 0
        about = json.loads(run("edit", "validate", domain["edit"], "--json").stdout)
        ablated = {layer["layer"]: layer["ablated"] for layer in about["layers"]}
        for layer in domain["layers"]:  # a router serves two layers
            for served in (layer["layer"], layer["layer"] + 1):
                assert ablated.get(served, 0) == layer["qualified"]


def test_the_tables_name_domains_and_layers(run, world):
    shown = run("experts", "domains", *chosen(world), "--index-b", world / "x.db").stdout
    assert "layer 0" in shown and "history" in shown
    assert shown.rstrip().endswith("1.000")  # an index agrees with itself


@pytest.fixture(scope="module")
def studied(run, world):
    result = json.loads(run(*study(world, world / "study"), "--json").stdout)
    return result, [json.loads(line) for line in (world / "study/scores.jsonl").read_text().splitlines()]


def mask(result, target, kind):
    return next(m for m in result["masks"] if m["target"] == target and m["kind"] == kind)


def test_scores_are_those_of_perplexity_under_the_edit(run, world, selection, studied):
    result, _ = studied
    rows = [json.loads(line) for line in (world / "texts.jsonl").read_text().splitlines()][1::2]
    for domain in result["domains"]:
        path = world / f"{domain['name']}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows
                                if row["subject"] in GROUPS[domain["name"]]))
        arguments = ["perplexity", "--input", path, "--json"]
        before = json.loads(run(*arguments).stdout)
        assert domain["documents"] == before["documents"] >= 40
        assert domain["scored_bytes"] == before["scored_bytes"]
        assert domain["bits_per_byte"]["value"] == pytest.approx(before["bits_per_byte"], rel=1e-9)
        after = json.loads(run(*arguments, "--edit", world / "selected/math.json").stdout)
        change = mask(result, "math", "selected")["change"][domain["name"]]
        assert change["value"] == pytest.approx(after["bits_per_byte"] - before["bits_per_byte"], abs=1e-9)


def test_intervals_of_changes_are_scipys(world, studied):
    result, lines = studied
    scores = {}
    for line in lines[1:]:
        scores.setdefault(line["mask"], []).extend(line["nats"])
    change = np.array(scores["math selected 0"]) - np.array(scores["none"])
    count = {domain["name"]: domain["documents"] for domain in result["domains"]}
    assert list(count) == ["history", "math"] and len(change) == sum(count.values())
    change = change[count["history"]:]
    size = result["domains"][1]["scored_bytes"] / count["math"]
    interval = bootstrap((change,), np.mean, n_resamples=4000, method="percentile",
                         rng=np.random.default_rng(1)).confidence_interval
    found = mask(result, "math", "selected")["change"]["math"]
    wide = (interval.high - interval.low) / np.log(2) / size
    # Ours draws the documents' bytes too, which moves the ends a little.
    assert found["low"] == pytest.approx(interval.low / np.log(2) / size, abs=0.1 * wide)
    assert found["high"] == pytest.approx(interval.high / np.log(2) / size, abs=0.1 * wide)


def test_controls_have_the_size_that_they_promise(studied):
    result, lines = studied
    for target in ("history", "math"):
        selected = mask(result, target, "selected")
        assert mask(result, target, "same_number")["experts"] == selected["experts"]
        assert mask(result, target, "most_frequent")["experts"] == selected["experts"]
        for kind, share in (("same_mass", "mass_share"), ("same_target_mass", "target_mass_share")):
            assert mask(result, target, kind)[share] == pytest.approx(selected[share], rel=0.05)
            assert mask(result, target, kind)["seeds"] == 2
    assert len({line["mask"] for line in lines[1:]}) == 1 + 2 * (1 + 2 * 3 + 1)


def test_a_killed_study_goes_on(run, world, studied):
    result, lines = studied
    out = world / "killed"
    process = start(*study(world, out))
    partial = out / "scores.jsonl.partial"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if partial.exists() and partial.read_text().count("\n") > 5:
            break
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert process.returncode == -9 and partial.exists()
    again = json.loads(run(*study(world, out), "--resume", "--json").stdout)
    for other in (again, result):
        other["provenance"]["command"] = ""
    assert again == result
    assert [json.loads(line) for line in (out / "scores.jsonl").read_text().splitlines()] == lines


def test_the_page_stands_alone(world, studied):
    page = (world / "study/study.html").read_text(encoding="utf-8")
    assert page.count("<svg ") == 5 and "</html>" in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "nan" not in page.split("<script>")[0].lower()
    assert (world / "study/heat_map.svg").read_text().startswith("<svg ")


def test_what_makes_no_sense_is_refused(run, world, selection, tmp_path):
    def refused(*arguments, code=INVALID):
        return run("experts", *arguments, code=code).stderr
    held_out = ["--input", *texts(world, "held-out"), "--out", tmp_path / "out"]
    assert "olmoe-small" in refused("mask-study", *chosen(world), *held_out, "--model", "olmoe-small")
    assert "routes otherwise" in refused(
        "domains", *chosen(world), "--model", "olmoe-small", "--out", tmp_path / "edits")
    assert not (tmp_path / "edits").exists()
    no_text = tmp_path / "no_text.json"
    no_text.write_text(json.dumps({"format": "expertoire.domains", "version": 1,
                                   "domains": {"law": ["law_ip"], "math": ["algebra"]}}))
    assert "1 empty" in refused("domains", "--index", world / "x.db", "--groups", no_text)
    read = ["--input", *texts(world, "train"), "--out", tmp_path / "out"]
    assert "are in the index" in refused("mask-study", *chosen(world), *read)
    assert "--factor" in refused("mask-study", *chosen(world), *held_out, "--factor", 1e9,
                                 "--least-documents", 1000)
    assert "making the folder" in refused("mask-study", *chosen(world), "--input", *texts(world, "held-out"),
                                          "--out", world / "x.db" / "out", code=3)
    assert "no such file" in refused("domains", "--index", world / "none.db", code=3)


def test_edits_that_are_no_masks_are_refused(run, world, tmp_path):
    arguments = ["experts", "mask-study", *chosen(world), "--input", *texts(world, "held-out"),
                 "--out", tmp_path / "out", "--domains", tmp_path / "edits"]
    (tmp_path / "edits").mkdir()

    def refused(name, edit):
        path = tmp_path / "edits" / name
        path.write_text(json.dumps({"format": "expertoire.routing_edit", "version": 1, "edits": [edit]}))
        error = run(*arguments, code=INVALID).stderr
        path.unlink()
        return error
    assert "no domain" in refused("law.json", {"action": "ablate", "layers": [0, 1], "experts": [3]})
    assert "262144" in refused("math.json", {"action": "ablate", "layers": [0, 1], "experts": [262144]})
    assert "layer 1" in refused("math.json", {"action": "ablate", "layers": [0], "experts": [3]})
    assert "scales" in refused("math.json", {"action": "scale", "layers": [0, 1], "experts": [3], "factor": 2})


def test_edits_of_ones_own_are_studied(run, world, selection, tmp_path):
    found, _ = selection
    edits = tmp_path / "edits"
    edits.mkdir()
    math = next(domain for domain in found["domains"] if domain["name"] == "math")
    (edits / "math.json").write_bytes(open(math["edit"], "rb").read())
    result = json.loads(run("experts", "mask-study", *chosen(world), "--domains", edits, "--controls",
                            "same_mass", "--seeds", 1, "--documents", 10, "--input",
                            *texts(world, "held-out"), "--out", tmp_path / "out", "--json").stdout)
    assert [(m["target"], m["kind"]) for m in result["masks"]] == [("math", "selected"), ("math", "same_mass")]
    assert mask(result, "math", "selected")["experts"] == math["qualified"]
    assert [domain["documents"] for domain in result["domains"]] == [10, 10]
    assert result["selection"] is None


def short_study(world, out, documents=10, controls="none"):
    return ["experts", "mask-study", *chosen(world), "--input", *texts(world, "held-out"), "--out", out,
            "--documents", documents, "--controls", controls, "--seeds", 1, *LOOSE[:4], "--resamples", 500]


def test_texts_beside_the_domains_have_no_part_in_means(run, world, tmp_path):
    path = tmp_path / "tasks.jsonl"
    rows = [json.loads(line) for line in (world / "texts.jsonl").read_text().splitlines()][1::2]
    path.write_text("".join(json.dumps({"text": "a task", "code": row["text"]}) + "\n" for row in rows[:12]))
    without = json.loads(run(*short_study(world, tmp_path / "out", 20), "--json").stdout)
    short = [*short_study(world, tmp_path / "more", 20), "--json", "--beside"]
    result = json.loads(run(*short, f"tasks={path}:code").stdout)
    assert [(d["name"], d["documents"], d["beside"]) for d in result["domains"]] == \
        [("history", 20, False), ("math", 20, False), ("tasks", 12, True)]
    assert result["domains"][2]["claimed"] and result["summary"] == without["summary"]
    alone = tmp_path / "alone.jsonl"
    alone.write_text("".join(json.dumps({"text": row["text"]}) + "\n" for row in rows[:12]))
    wanted = json.loads(run("perplexity", "--input", alone, "--json").stdout)["bits_per_byte"]
    assert result["domains"][2]["bits_per_byte"]["value"] == pytest.approx(wanted, rel=1e-9)
    change = mask(result, "math", "selected")["change"]
    assert change["tasks"]["low"] <= change["tasks"]["value"] <= change["tasks"]["high"]
    shown = run(*short[:-2], "--resume", "--beside", f"tasks={path}:code").stdout
    row = next(line for line in shown.split("Beside the domains:")[1].splitlines() if line.startswith("math"))
    assert f"{1000 * change['tasks']['value']:.1f} [" in row
    for wrong in ("tasks", "=x", f"math={path}"):
        assert "--beside" in run(*short, wrong, code=INVALID).stderr


@pytest.fixture(scope="module")
def questions(run, world):
    """Questions of math that the model nearly all answers rightly, of history that it answers wrongly, and of law."""
    texts = [json.loads(line)["text"] for line in (world / "texts.jsonl").read_text().splitlines()]
    rows = [{"question": text, "options": text.split()[:4], "answer": "A",
             "category": ("math", "history", "law")[min(i // 30, 2)]} for i, text in enumerate(texts[:64])]
    path = world / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    broken = world / "broken.jsonl"
    broken.write_text(json.dumps(rows[0] | {"options": ["alone"]}) + "\n" + path.read_text())
    run("eval", "choice", "--task", "mmlu_pro", "--data", path, "--export-lm-eval", world / "asked")
    requests = [json.loads(line) for line in (world / "asked/questions.jsonl").read_text().splitlines()]
    for i, row in enumerate(rows):
        scores = [r["log_prob"] for r in requests if r["doc_id"] == i]
        best = scores.index(max(scores))
        right = row["category"] == "math" and i % 10 != 9
        row["answer"] = "ABCD"[best if right else (best + 1) % 4]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_questions_are_asked_where_the_model_beats_a_guess(run, world, selection, questions, tmp_path):
    out = tmp_path / "out"
    arguments = [*short_study(world, out, controls="same_number"), "--choice", questions]
    result = json.loads(run(*arguments, "--json").stdout)
    choice = result["choice"]
    assert (choice["questions"], choice["left_out"], choice["task"]) == (60, 4, "mmlu_pro")
    history, math = choice["domains"]
    assert math["claimed"] and math["wrong"]["value"] == pytest.approx(0.1) and math["wrong_by_chance"] == 0.75
    assert not history["claimed"] and history["wrong"]["value"] == 1

    def accuracy(*options):
        lines = run("eval", "choice", "--task", "mmlu_pro", "--data", questions, "--json", *options).stdout.splitlines()
        return [next(c["acc"] for c in json.loads(line).get("categories", []) if c["category"] == "math")
                for line in lines[:2]]
    before, after = accuracy("--edit", world / "selected/math.json")
    found = next(m for m in choice["masks"] if m["target"] == "math" and m["kind"] == "selected")
    assert found["change"]["math"]["value"] == pytest.approx(before - after, abs=1e-12)
    assert found["change"]["math"]["low"] <= before - after <= found["change"]["math"]["high"]
    assert found["change"]["history"]["value"] is None
    lines = [json.loads(line) for line in (out / "scores.jsonl").read_text().splitlines()[1:]]
    asked = {line["mask"]: 0 for line in lines}
    for line in lines:
        asked[line["mask"]] += len(line.get("wrong", []))
    assert asked.pop("none") == 60 and set(asked.values()) == {30}
    assert "Questions with several answers" in (out / "study.html").read_text()


def test_nothing_is_said_of_questions_that_are_guessed(run, world, questions, tmp_path):
    rows = [json.loads(line) for line in questions.read_text().splitlines()]
    path = tmp_path / "history.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows if row["category"] == "history"))
    arguments = [*short_study(world, tmp_path / "out"), "--choice"]
    shown = run(*arguments, path).stdout
    assert "masks say nothing here" in shown and "100.0" in shown and "75.0" in shown
    path.write_text("".join(json.dumps(row) + "\n" for row in rows if row["category"] == "law"))
    assert "law" in run(*arguments, path, code=INVALID).stderr
    broken = world / "broken.jsonl"
    assert "--skip-bad-rows" in run(*arguments, broken, code=BAD_FILE).stderr
    result = json.loads(run(*arguments, broken, "--skip-bad-rows", "--choice-items", 2, "--json").stdout)
    assert result["choice"]["bad_rows"] == 1 and result["choice"]["questions"] == 4
