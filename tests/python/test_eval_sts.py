"""eval sts: its correlations are scipy's, on our vectors and on the reference's."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from eval_support import cosines, results, write_rows
from program import BAD_FILE, INVALID, ROOT, sentence
from program import run as start_program
from safetensors.numpy import load_file
from scipy.stats import pearsonr, spearmanr
from sklearn.feature_extraction.text import TfidfVectorizer

SHARED = Path(os.environ.get("EXPERTOIRE_SHARED", ROOT.parent / "shared"))
POINTS = 5e-4  # 0.05 points of Spearman × 100


@pytest.fixture(scope="module")
def texts(sentences):
    return [text for text in sentences if text.isascii()][100:160]


@pytest.fixture(scope="module")
def pairs(texts):
    """Pairs of texts, some of them twice, with scores that have ties."""
    random = np.random.default_rng(5)
    chosen = random.integers(0, len(texts), (90, 2)).tolist()
    scores = random.integers(0, 11, 90) / 2
    return chosen, scores.tolist()


@pytest.fixture(scope="module")
def data(texts, pairs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sts")
    rows = [{"sentence1": texts[a], "sentence2": texts[b], "score": score}
            for (a, b), score in zip(*pairs)]
    write_rows(folder / "all.jsonl", rows)
    write_rows(folder / "one.jsonl", rows[:40])
    write_rows(folder / "two.jsonl", rows[40:])
    (folder / "texts.txt").write_text("".join(text + "\n" for text in texts), encoding="utf-8")
    return folder


@pytest.mark.parametrize("options", [
    ["--kind", "hidden"], ["--kind", "concat"], ["--kind", "sum", "--alpha", "0.5", "--prompt", "prompteol"],
    ["--kind", "routing", "--routing-stage", "probs", "--pooling", "mean"]])
def test_scores_are_scipys_on_the_vectors_of_embed(run, data, pairs, options):
    run("embed", "--input", data / "texts.txt", "--out", data / "v.npy", *options)
    expected = cosines(np.load(data / "v.npy"), pairs[0])
    [got] = results(run, "sts", "--data", data / "all.jsonl", "--items", *options)
    assert got["n"] == len(expected) and got["main"] == "spearman" and got["dataset"] == "all"
    assert np.allclose(got["items"]["similarity"], expected, atol=1e-6)
    assert got["items"]["gold"] == pairs[1]
    assert abs(got["spearman"] - spearmanr(pairs[1], expected).statistic) < 1e-6
    assert abs(got["pearson"] - pearsonr(pairs[1], expected).statistic) < 1e-6
    for score in ("pearson", "spearman"):
        low, high = got["intervals"][score]
        assert low < got[score] < high
    assert got["provenance"]["data"][0]["file"].endswith("all.jsonl")


def test_batch_calibration_is_that_of_the_texts_in_order(run, data, pairs, texts):
    ordered = list(dict.fromkeys(text for a, b in pairs[0] for text in (texts[a], texts[b])))
    (data / "ordered.txt").write_text("".join(text + "\n" for text in ordered), encoding="utf-8")
    options = ["--kind", "concat", "--calibration", "batch", "--calibration-batch", "32"]
    run("embed", "--input", data / "ordered.txt", "--out", data / "v.npy", *options)
    row = [ordered.index(text) for text in texts if text in ordered]
    place = dict(zip((text for text in texts if text in ordered), row))
    expected = cosines(np.load(data / "v.npy"), [(place[texts[a]], place[texts[b]]) for a, b in pairs[0]])
    [got] = results(run, "sts", "--data", data / "all.jsonl", *options)
    assert abs(got["spearman"] - spearmanr(pairs[1], expected).statistic) < 1e-6


def test_all_pools_and_mean_averages(run, data):
    one, two, pooled, mean = results(run, "sts", "--data", data / "one.jsonl", data / "two.jsonl")
    [whole] = results(run, "sts", "--data", data / "all.jsonl")
    assert [r["dataset"] for r in (one, two, pooled, mean)] == ["one", "two", "all", "mean"]
    for score in ("spearman", "pearson"):
        assert pooled[score] == whole[score]
        assert abs(mean[score] - (one[score] + two[score]) / 2) < 1e-12
    assert [r["n"] for r in (one, two, pooled, mean)] == [40, 50, 90, 90]


def golden_rows(folder, template):
    rows = [json.loads(line) for line in (folder / "prompts.jsonl").read_text().splitlines()]
    return [row["sentence"] for row in rows if row["template"] == template]


@pytest.mark.parametrize("where", ["tests/fixtures/moee/olmoe", "tests/fixtures/moee/deepseek", "moee-olmoe",
                                   "moee-qwen2moe", "moee-deepseek"])
@pytest.mark.parametrize("template", ["none", "prompteol"])
def test_scores_are_those_of_the_references_vectors(run, tmp_path, where, template):
    """Of the vectors that the paper's code computed."""
    folder = ROOT / where if "/" in where else SHARED / "goldens" / where
    if not folder.exists():
        pytest.skip(f"no goldens/{where} in the shared data; set EXPERTOIRE_SHARED to run this")
    texts = golden_rows(folder, template)
    pairs = [(a, b) for a in range(len(texts)) for b in range(a)]
    gold = np.random.default_rng(2).integers(0, 6, len(pairs)).tolist()
    data = write_rows(tmp_path / "a.jsonl", [{"sentence1": texts[a], "sentence2": texts[b], "score": score}
                                             for (a, b), score in zip(pairs, gold)])
    golden = load_file(folder / "moee.safetensors")
    hidden, routing = (cosines(golden[f"{template}.{part}"], pairs) for part in ("hs", "rw"))
    expected = {"hidden": hidden, "routing": routing, "sum": np.add(hidden, routing)}
    got = results(run, "sts", "--model", folder, "--data", data, "--compute", "f32", "--kind", *expected,
                  "--prompt", "quoted" if template == "none" else template)
    assert [row["kind"] for row in got] == list(expected)
    for row in got:
        assert abs(row["spearman"] - spearmanr(gold, expected[row["kind"]]).statistic) < POINTS
        assert abs(row["pearson"] - pearsonr(gold, expected[row["kind"]]).statistic) < POINTS


def test_olmoe_small_scores_as_transformers_does(run, reference, data, pairs, texts):
    def last(text):
        return reference.stages(reference.ids(f'This sentence : "{text}" means in one word:"'))
    clean = [text.replace('"', "'").replace("_", " ") for text in texts]
    vectors = [last(text if text[-1] in ".?!\"'" else text + ".") for text in clean]
    hidden = np.stack([stages["final_norm"][-1] for stages in vectors])
    routing = np.stack([np.concatenate([stages[f"router_logits.{layer}"][-1] for layer in range(6)])
                        for stages in vectors])
    expected = {"hidden": cosines(hidden, pairs[0]), "routing": cosines(routing, pairs[0])}
    expected["sum"] = np.add(expected["hidden"], expected["routing"])
    for row in results(run, "sts", "--data", data / "all.jsonl", "--compute", "f32", "--prompt", "prompteol",
                       "--kind", *expected):
        assert abs(row["spearman"] - spearmanr(pairs[1], expected[row["kind"]]).statistic) < POINTS, row["kind"]


def test_controls_stand_beside(run, data, pairs, texts, tmp_path):
    got = results(run, "sts", "--data", data / "all.jsonl", "--kind", "hidden", "concat", "--controls")
    assert [(row["system"], row.get("kind")) for row in got] == [
        ("model", "hidden"), ("model", "concat"), ("random_weights", "hidden"), ("random_weights", "concat"),
        ("token_mean", None), ("tfidf", None)]
    assert got[0]["provenance"]["weights_hash"] != got[2]["provenance"]["weights_hash"]
    assert len({row["spearman"] for row in got}) == 6
    ordered = list(dict.fromkeys(text for a, b in pairs[0] for text in (texts[a], texts[b])))
    words = TfidfVectorizer().fit_transform(ordered).toarray()
    assert words.shape[1] < 4096
    expected = cosines(words, [(ordered.index(texts[a]), ordered.index(texts[b])) for a, b in pairs[0]])
    assert abs(got[-1]["spearman"] - spearmanr(pairs[1], expected).statistic) < 1e-6


def test_token_mean_is_the_mean_of_the_models_own_embeddings(run, reference, data, pairs, texts):
    table = reference.model.get_input_embeddings().weight.detach().float().numpy()
    means = np.stack([table[reference.ids(text)].mean(axis=0) for text in texts])
    *_, got, _ = results(run, "sts", "--data", data / "all.jsonl", "--controls", "--items")
    assert got["system"] == "token_mean"
    assert np.allclose(got["items"]["similarity"], cosines(means, pairs[0]), atol=1e-5)


def test_cache_gives_the_same_results_without_a_pass(run, data, tmp_path):
    arguments = ["sts", "--data", data / "all.jsonl", "--kind", "sum", "--cache", tmp_path / "cache"]
    [first] = results(run, *arguments)
    size = (tmp_path / "cache").stat().st_size
    with (tmp_path / "cache").open("ab") as file:
        file.write(b"\x05\0\0")  # a torn record
    [second] = results(run, *arguments)
    assert first["spearman"] == second["spearman"]
    assert (tmp_path / "cache").stat().st_size == size
    results(run, *arguments, "--prompt", "quoted")
    assert (tmp_path / "cache").stat().st_size > size


@pytest.mark.parametrize("rows, code, says", [
    ('{"text": "a", "score": 1}', BAD_FILE, "--sentence1-field"),
    ('{"sentence1": "a", "sentence2": "b", "score": NaN}', BAD_FILE, "JSON has no NaN"),
    ('{"sentence1": "a", "sentence2": "b", "score": "high"}', BAD_FILE, "a finite number"),
    ('{"sentence1": "a", "sentence2": "b", "score": 2}', BAD_FILE, "the same score in every row"),
    ("", BAD_FILE, "no rows")])
def test_bad_input_is_one_sentence(tmp_path, rows, code, says):
    (tmp_path / "a.jsonl").write_text(rows)
    done = start_program("eval", "sts", "--data", tmp_path / "a.jsonl")
    assert done.returncode == code and done.stdout == b""
    assert says in sentence(done.stderr)


def test_bad_rows_are_counted_when_asked(run, data, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text((data / "all.jsonl").read_text() + '{"sentence1": "a"}\n'
                    + '{"sentence1": "a", "sentence2": "b", "score": null}\n')
    assert start_program("eval", "sts", "--data", path).returncode == BAD_FILE
    [got] = results(run, "sts", "--data", path, "--skip-bad-rows")
    assert (got["n"], got["bad_rows"], got["null_labels"]) == (90, 1, 1)


def test_refuses_what_it_cannot_do(data):
    for options in (["--kind", "both"], ["--alpha", "-1", "--kind", "sum"], ["--calibration", "none", "--cache",
                                                                           str(data / "all.jsonl")]):
        done = start_program("eval", "sts", "--data", data / "all.jsonl", *options)
        assert done.returncode in (INVALID, BAD_FILE) and sentence(done.stderr)
