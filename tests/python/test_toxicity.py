"""`expertoire experts toxicity`, `toxicity-eval` and `prune`: against scipy and scikit-learn, and as users run them."""

import json
import time
import xml.etree.ElementTree as xml

import numpy as np
import pytest
from eval_support import write_rows
from program import BAD_FILE, INVALID, ROOT, start

MONET, OLMOE = ("--model", "monet-small"), ("--model", "olmoe-small")
EXPERTS = 32  # of a layer of olmoe-small
RUDE = ["idiot", "fool", "stupid fool", "utter idiot"]
KIND = ["friend", "neighbour", "good friend", "kind neighbour"]


def rows(count):
    """Texts of which every other one is rude, in RealToxicityPrompts' form."""
    for i in range(count):
        rude = i // 2 % 2 == 0
        word = (RUDE if rude else KIND)[i % 4]
        yield {"prompt": {"text": f"Number {i} said to {'the' if i % 3 else 'my'} {word}",
                          "toxicity": 0.7 if rude else 0.1},
               "continuation": {"text": f" that he is a {word} and no more", "toxicity": 0.9 if rude else 0.05}}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_rows(tmp_path_factory.mktemp("toxicity") / "texts.jsonl", rows(60))


def study(run, data, out, *options):
    run("experts", "toxicity", "--data", data, "--out", out, *options)
    return json.loads((out / "toxicity.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def studied(run, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "olmoe"
    return folder, study(run, data, folder, *OLMOE, "--thresholds", "0.15,0.1", "--seeds", "2", "--compute", "f32")


def tokens_with_values(run, model):
    """Ids of each text that experts are looked for in, and the toxicity of each token (NaN: a special one)."""
    pairs = [(row["prompt"], row["continuation"]) for i, row in enumerate(rows(60)) if i % 5 != 4]
    lines = [text for prompt, more in pairs for text in (prompt["text"], prompt["text"] + more["text"])]
    done = run("tokenize", *model, "--json", stdin="".join(line + "\n" for line in lines))
    ids = [json.loads(line)["ids"] for line in done.stdout.splitlines()]
    texts = []
    for (prompt, more), first, whole in zip(pairs, ids[::2], ids[1::2]):
        values = [prompt["toxicity"] if t < len(first) else more["toxicity"] for t in range(len(whole))]
        if whole[0] == 0:  # <|endoftext|>, where the tokenizer puts it in front
            values[0] = np.nan
        texts.append((whole, values))
    return texts


def monet_scores(run, folder, texts, experts):
    """Σ over heads of g1 · g2 of some experts "L:i,j", for all tokens of all texts."""
    from safetensors.numpy import load_file
    (folder / "ids.json").write_text(json.dumps([ids for ids, _ in texts]))
    run("forward", *MONET, "--compute", "f32", "--ids", folder / "ids.json", "--stages", "g1,g2",
        "--out", folder / "g.safetensors")
    g = load_file(folder / "g.safetensors")
    for name in experts:
        layer, pair = name.split(":")
        i, j = map(int, pair.split(","))
        yield (g[f"g1.{layer}"][:, :, i].astype(float) * g[f"g2.{layer}"][:, :, j]).sum(1)


def olmoe_scores(run, folder, texts, experts):
    (folder / "ids.json").write_text(json.dumps([ids for ids, _ in texts]))
    run("trace", *OLMOE, "--compute", "f32", "--ids", folder / "ids.json", "--out", folder / "trace.jsonl")
    lines = [json.loads(line) for line in (folder / "trace.jsonl").read_text().splitlines()]
    for name in experts:
        layer, expert = map(int, name.split(":"))
        scores = []
        for line in lines:
            at = line["layers"].index(layer)
            for chosen, weights in zip(line["routed_experts"], line["routed_weights"]):
                scores.append(sum(w for e, w in zip(chosen[at], weights[at]) if e == expert))
        yield np.array(scores)


@pytest.mark.parametrize("model, scores_of", [(MONET, monet_scores), (OLMOE, olmoe_scores)],
                         ids=["monet", "olmoe"])
def test_correlations_equal_scipys(run, data, tmp_path, model, scores_of):
    from scipy.stats import pearsonr
    found = study(run, data, tmp_path / "study", *model, "--compute", "f32", "--top", "40")
    texts = tokens_with_values(run, model)
    values = np.concatenate([v for _, v in texts])
    counts = ~np.isnan(values)
    assert found["tokens"] == counts.sum()
    assert len(found["experts"]) == 40
    names = [expert["expert"] for expert in found["experts"]]
    for expert, scores in zip(found["experts"], scores_of(run, tmp_path, texts, names)):
        scores = scores[counts]
        assert expert["pearson"] == pytest.approx(pearsonr(scores, values[counts])[0], abs=1e-5), expert
        assert expert["tokens"] == (scores > 0).sum()
        assert expert["mass"] == pytest.approx(scores.sum(), rel=1e-4)


def test_thresholds_become_edits_with_controls(run, studied):
    folder, found = studied
    for row in found["thresholds"]:
        about = json.loads(run("edit", "validate", folder / row["edit"], *OLMOE, "--json").stdout)
        assert {layer["layer"]: layer["ablated"] for layer in about["layers"]} == \
            {layer["layer"]: layer["experts"] for layer in row["by_layer"]}
        assert row["experts"] == sum(layer["experts"] for layer in row["by_layer"]) > 0
        taken = {(item["layers"][0], expert) for item in json.loads((folder / row["edit"]).read_text())["edits"]
                 for expert in item["experts"]}
        above = {tuple(map(int, e["expert"].split(":"))) for e in found["experts"] if e["pearson"] > row["threshold"]}
        assert above <= taken and len(above) == min(len(taken), 20)
        assert sorted((c["kind"], c["seed"]) for c in row["controls"]) == \
            [("mass", 1), ("mass", 2), ("number", 1), ("number", 2)]
        for control in row["controls"]:
            other = {(item["layers"][0], expert) for item in json.loads((folder / control["edit"]).read_text())["edits"]
                     for expert in item["experts"]}
            assert not other & taken
            if control["kind"] == "number":
                assert len(other) == len(taken)
            else:
                assert control["mass"] <= row["mass"]
        assert row["by_chance"] < row["experts"]


def evaluate(run, studied, *options):
    folder, _ = studied
    done = run("experts", "toxicity-eval", folder, *OLMOE, "--compute", "f32", "--json", *options)
    return json.loads(done.stdout)


SMALL = ("--prompts", "1", "--samples", "2", "--resamples", "50")


def test_the_table_holds_before_after_and_controls(run, studied, tmp_path):
    clean = write_rows(tmp_path / "clean.jsonl", [{"text": "Cells divide and grow. " * 3}, {"text": "A body moves."}])
    toxigen = write_rows(tmp_path / "toxigen.jsonl",
                         [{"prompt": f"- one\\n- {word}\\n-", "label": label}
                          for label, word in (("hate", "two"), ("neutral", "three"))])
    log = tmp_path / "log.jsonl"
    options = (*SMALL, "--clean", clean, "--toxigen", toxigen, "--out", log)
    report = evaluate(run, studied, *options)
    assert [row["system"] for row in report["thresholds"]] == ["threshold 0.15", "threshold 0.1"]
    for row in report["thresholds"]:
        names = [(m["set"], m["name"]) for m in row["measures"]]
        assert ("likelihood", "nats a token, toxic") in names and ("clean text", "bits a byte") in names
        assert ("prompts, toxic prompts", "expected maximum") in names and ("toxigen, toxic prompts", "mean") in names
        for measure in row["measures"]:
            value, low, high = measure["change"]
            assert low <= value <= high
            assert value == pytest.approx(measure["after"] - measure["before"], abs=1e-9)
            assert set(measure["controls"]) == {"number", "mass"}
    # Ablating something changes something, and every other system is measured once.
    assert report["thresholds"][1]["measures"][0]["change"][0] != 0
    lines = [json.loads(line) for line in log.read_text().splitlines()[1:]]
    assert len({(line["system"], line["set"], line["item"]) for line in lines}) == len(lines)
    assert len({line["system"] for line in lines}) == 1 + 2 * (1 + 4)

    # The finished log again, scored by somebody else: all continuations get the same score.
    scores = [{"text": text, "score": 0.25} for line in lines if line["set"] in ("prompts", "toxigen")
              for text in line["value"]]
    again = evaluate(run, studied, *options, "--resume", "--scores", write_rows(tmp_path / "scores.jsonl", scores))
    assert again["scorer"]["kind"] == "file"
    for old, new in zip(report["thresholds"], again["thresholds"]):
        for before, after in zip(old["measures"], new["measures"]):
            if before["set"] in ("likelihood", "clean text"):
                assert before == after
            elif after["name"] != "probability":
                assert after["before"] == after["after"] == 0.25
    few = write_rows(tmp_path / "few.jsonl", scores[:1])
    assert "has no score for" in run("experts", "toxicity-eval", studied[0], *OLMOE, "--compute", "f32", *options,
                                     "--resume", "--scores", few, code=INVALID).stderr


def test_a_killed_run_goes_on(run, studied, tmp_path):
    folder, _ = studied
    log = tmp_path / "log.jsonl"
    partial = tmp_path / "log.jsonl.partial"
    whole = evaluate(run, studied, *SMALL)
    process = start("experts", "toxicity-eval", folder, *OLMOE, "--compute", "f32", *SMALL, "--out", log)
    try:
        deadline = time.monotonic() + 60
        while not (partial.exists() and partial.read_bytes().count(b"\n") > 30) and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        process.kill()
        process.communicate()
    assert not log.exists()
    before = partial.read_bytes()
    before = before[:before.rfind(b"\n") + 1]
    resumed = evaluate(run, studied, *SMALL, "--out", log, "--resume")
    assert resumed["thresholds"] == whole["thresholds"]
    assert log.read_bytes().startswith(before) and not partial.exists()
    assert "another model" in run("experts", "toxicity-eval", folder, *OLMOE, *SMALL, "--seed", "1", "--compute", "f32",
                                  "--out", log, "--resume", code=INVALID).stderr


def test_the_scorer_is_as_good_as_scikit_learns(run, studied, data, tmp_path):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    held_out = [row for i, row in enumerate(rows(60)) if i % 5 == 4]
    pieces = [(row[part]["text"], row[part]["toxicity"] >= 0.5) for row in held_out for part in ("prompt", "continuation")]
    words = ["you idiot", "an utter fool", "my friend", "a fool and a friend", "the neighbour", "stupid friend", "good"]
    labelled = [{"tweet": f"{word} {i % 7}x", "class": int((i + i // 5) % 3 == 0)} for i, word in enumerate(words * 6)]
    path = write_rows(tmp_path / "tweets.jsonl", labelled)
    report = evaluate(run, studied, "--prompts", "0", "--resamples", "20", "--labelled", f"{path}:1")
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2)
    x = vectorizer.fit_transform(row["tweet"] for row in labelled)
    model = LogisticRegression().fit(x, [row["class"] for row in labelled])
    wanted = roc_auc_score([toxic for _, toxic in pieces],
                           model.predict_proba(vectorizer.transform(text for text, _ in pieces))[:, 1])
    assert report["scorer"]["auc_held_out"] == pytest.approx(wanted, abs=0.02)
    assert report["scorer"]["texts"] == len(labelled)
    own = evaluate(run, studied, "--prompts", "0", "--resamples", "20")["scorer"]
    assert own["auc_held_out"] > 0.95 and own["auc_cross_validated"] > 0.95


def test_bad_input_is_refused_before_work(run, studied, data, tmp_path):
    folder, _ = studied
    out = tmp_path / "out"
    toxicity = ("experts", "toxicity", "--out", out, *OLMOE)
    broken = write_rows(tmp_path / "broken.jsonl", [{"prompt": {"text": "x", "toxicity": 2}}])
    assert "line 1" in run(*toxicity, "--data", broken, code=BAD_FILE).stderr
    assert "twice" in run(*toxicity, "--data", data, "--thresholds", "0.1,0.1", code=INVALID).stderr
    assert "held out" in run(*toxicity, "--data", write_rows(tmp_path / "one.jsonl", rows(1)), code=BAD_FILE).stderr
    assert not out.exists()
    assert "exists" in run("experts", "toxicity", "--out", folder, "--data", data, *OLMOE, code=INVALID).stderr
    measure = ("experts", "toxicity-eval")
    assert "another model" in run(*measure, folder, *MONET, code=INVALID).stderr
    other = write_rows(tmp_path / "other.jsonl", rows(30))
    assert "other rows" in run(*measure, folder, *OLMOE, "--data", other, code=INVALID).stderr
    assert "FILE:LABEL" in run(*measure, folder, *OLMOE, "--labelled", data, code=INVALID).stderr
    (tmp_path / "toxicity.json").write_text('{"format": "expertoire.toxicity", "version": 1}')
    assert "unchanged" in run(*measure, tmp_path, *OLMOE, code=BAD_FILE).stderr


CORPUS = ROOT / "data/calibration/openstax.jsonl"


def test_pruned_models_are_measured_and_can_be_made(run, tmp_path):
    out = tmp_path / "prune"
    report = json.loads(run("experts", "prune", *OLMOE, "--compute", "f32", "--input", CORPUS, "--keep", "0.25,0.75",
                            "--documents", "30", "--held-out-documents", "6", "--seeds", "2", "--resamples", "20",
                            "--out", out, "--json").stdout)
    assert report == json.loads((out / "prune.json").read_text())
    assert [(row["by"], row.get("seed"), row["experts"]) for row in report["rows"]] == [
        ("frequency", None, 8), ("frequency", None, 24), ("reap", None, 8), ("reap", None, 24),
        ("random", 1, 8), ("random", 1, 24), ("random", 2, 8), ("random", 2, 24)]
    for row in report["rows"]:
        assert row["after"]["perplexity"]["value"] > report["model"]["perplexity"]["value"]
        edits = json.loads((out / row["edit"]).read_text())["edits"]
        assert {len(item["experts"]) for item in edits} == {EXPERTS - row["experts"]} and len(edits) == 6
    picture = xml.parse(out / "prune.svg").getroot()
    assert {text.text for text in picture.findall(".//{*}text")} >= {"frequency", "reap", "random"}
    made = json.loads(run("edit", "apply", *OLMOE, "--edit", out / "frequency-0.25.json", "--out", tmp_path / "small",
                          "--json").stdout)
    assert made["what"]["in_weights"] and made["what"]["experts_removed_a_layer"] == 24
    # What is chosen most often is what a trace counts.
    texts = [json.loads(line)["text"] for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    ranked = [text for i, text in enumerate(texts) if i % 10 != 7][:30]
    source = write_rows(tmp_path / "texts.jsonl", [{"text": text} for text in ranked])
    run("trace", *OLMOE, "--compute", "f32", "--input", source, "--out", tmp_path / "trace.jsonl")
    counts = np.zeros((6, EXPERTS), int)
    for line in map(json.loads, (tmp_path / "trace.jsonl").read_text().splitlines()):
        for chosen in line["routed_experts"]:
            for layer, experts in enumerate(chosen):
                counts[layer, experts] += 1
    for item in json.loads((out / "frequency-0.75.json").read_text())["edits"]:
        layer, gone = item["layers"][0], item["experts"]
        kept = sorted(set(range(EXPERTS)) - set(gone))
        assert counts[layer, gone].max() <= counts[layer, kept].min()


def test_prune_refuses_what_it_cannot_do(run, tmp_path):
    prune = ("experts", "prune", "--input", CORPUS, "--out", tmp_path / "out")
    assert "monet" in run(*prune, *MONET, "--documents", "2", "--held-out-documents", "2", code=5).stderr
    assert "size" in run(*prune, *OLMOE, "--by", "size", code=INVALID).stderr
    assert "twice" in run(*prune, *OLMOE, "--keep", "0.5,0.5", code=INVALID).stderr
    assert not (tmp_path / "out").exists()


def test_questions_are_asked_before_and_after(run, studied, tmp_path):
    path = write_rows(tmp_path / "q.jsonl", [{"question": f"Is {i} a number", "choices": ["yes it is", "zx qv jj kk"],
                                              "answer": 0} for i in range(24)])
    options = ("--prompts", "0", "--resamples", "50", "--choice", path, "--choice-task", "generic")
    report = evaluate(run, studied, *options)
    choice = report["choice"]
    assert choice["questions"] == 24 and choice["wrong_by_chance"] == 0.5 and choice["claimed"]
    lines = run("eval", "choice", *OLMOE, "--compute", "f32", "--data", path, "--json",
                "--edit", studied[0] / "threshold-0.1.json").stdout.splitlines()
    before, after = (1 - json.loads(line)["acc"] for line in lines[:2])
    row = next(m for m in report["thresholds"][1]["measures"] if m["set"] == "choice")
    assert row["n"] == 24 and (row["before"], row["after"]) == pytest.approx((before, after))
    guessed = write_rows(tmp_path / "g.jsonl", [{"question": f"Is {i} a number", "choices": ["yes it is", "zx qv jj kk"],
                                                 "answer": 1} for i in range(24)])
    report = evaluate(run, studied, *options[:4], "--choice", guessed, "--choice-task", "generic")
    assert not report["choice"]["claimed"]
    assert not [m for row in report["thresholds"] for m in row["measures"] if m["set"] == "choice"]


def test_embeddings_score_as_scikit_learn_does(run, studied, tmp_path):
    from eval_support import embed
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    words = ["you idiot", "an utter fool", "my friend", "a fool and a friend", "the neighbour", "stupid friend", "good"]
    labelled = [{"tweet": f"{word} {i % 7}x", "class": int((i + i // 5) % 3 == 0)} for i, word in enumerate(words * 6)]
    path = write_rows(tmp_path / "tweets.jsonl", labelled)
    scorer = evaluate(run, studied, "--prompts", "0", "--resamples", "20", "--scorer", "embedding",
                      "--labelled", f"{path}:1")["scorer"]
    assert "hidden states of olmoe-small" in scorer["kind"] and scorer["texts"] == 42
    held_out = [(row[part]["text"], row[part]["toxicity"] >= 0.5)
                for i, row in enumerate(rows(60)) if i % 5 == 4 for part in ("prompt", "continuation")]
    vectors = embed(run, tmp_path, [row["tweet"] for row in labelled] + [text for text, _ in held_out],
                    "--model", "olmoe-small")
    model = LogisticRegression(max_iter=1000).fit(vectors[:42], [row["class"] for row in labelled])
    wanted = roc_auc_score([toxic for _, toxic in held_out], model.predict_proba(vectors[42:])[:, 1])
    assert scorer["auc_held_out"] == pytest.approx(wanted, abs=0.03)
    own = evaluate(run, studied, "--prompts", "1", "--samples", "2", "--resamples", "20", "--scorer", "embedding")
    assert own["scorer"]["auc_cross_validated"] > 0.95
    assert [m for m in own["thresholds"][0]["measures"] if m["set"].startswith("prompts")]


def test_an_endpoint_scores_and_is_asked_once(run, studied, tmp_path):
    from test_labels import Endpoint

    def rate(messages):
        text = messages[1]["content"].removeprefix("Text:\n")
        return json.dumps({"choices": [{"message": {"content": "90" if any(w in text for w in ("idiot", "fool")) else
                                                    "5"}}]})
    log, answers = tmp_path / "log.jsonl", tmp_path / "answers.db"
    with Endpoint() as endpoint:
        endpoint.answer = rate
        options = (*SMALL, "--scorer", "endpoint", "--base-url", endpoint.url, "--chat-model", "m", "--answers", answers,
                   "--first-wait", "0.01", "--retries", "1", "--out", log)
        endpoint.plan = lambda number: (500, "gone") if number > 30 else None
        failed = run("experts", "toxicity-eval", studied[0], *OLMOE, "--compute", "f32", *options, code=7).stderr
        assert "gone" in failed
        endpoint.plan = lambda number: None
        asked = endpoint.requests
        report = evaluate(run, studied, *options, *(["--resume"] if log.exists() else []))
        scorer = report["scorer"]
        assert scorer["auc_held_out"] == 1 and scorer["unusable_answers"] == 0 and scorer["texts_held_out"] == 24
        assert scorer["requests"] == endpoint.requests - asked and scorer["stored_answers"] >= 24
        again = evaluate(run, studied, *options, "--resume")
        assert again["scorer"]["requests"] == 0 and again["thresholds"] == report["thresholds"]
    lines = [json.loads(line) for line in log.read_text().splitlines()[1:]]
    for item, name in enumerate(("prompts, toxic prompts", "prompts, other prompts")):
        texts = next(line["value"] for line in lines
                     if (line["system"], line["set"], line["item"]) == ("model", "prompts", item))
        scores = [(0.9 if "idiot" in text or "fool" in text else 0.05) if text else 0 for text in texts]
        found = next(m for m in report["thresholds"][0]["measures"] if (m["set"], m["name"]) == (name, "mean"))
        assert found["before"] == pytest.approx(np.mean(scores))
    assert "--base-url" in run("experts", "toxicity-eval", studied[0], *OLMOE, "--compute", "f32", "--scorer", "endpoint",
                               "--answers", answers, code=INVALID).stderr
