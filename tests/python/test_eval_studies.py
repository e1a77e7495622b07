"""eval study: the numbers that scikit-learn and scipy give of the vectors of `expertoire embed`, and the pictures."""

import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from eval_support import cosines, embed, results, write_rows
from program import INVALID, NOT_FOUND, sentence
from program import run as start_program
from scipy.stats import rankdata, spearmanr
from sklearn.cluster import MiniBatchKMeans
from sklearn.metrics import adjusted_mutual_info_score, normalized_mutual_info_score
from sklearn.metrics.cluster import pair_confusion_matrix

PROMPTS = ["prompteol", "tone"]


@pytest.fixture(scope="module")
def data(sentences, tmp_path_factory):
    """Pairs of 80 sentences with scores, as a file and as numbers."""
    texts = [text for text in sentences if text.isascii()][:80]
    pairs = np.random.default_rng(7).integers(0, 80, (70, 2)).tolist()
    gold = [float(score) for score in np.random.default_rng(8).integers(0, 6, 70)]
    path = write_rows(tmp_path_factory.mktemp("study") / "pairs.jsonl", [
        {"sentence1": texts[a], "sentence2": texts[b], "score": score} for (a, b), score in zip(pairs, gold)])
    return path, texts, pairs, gold


def study(run, name, *arguments):
    return [json.loads(line) for line in run("eval", "study", name, *arguments, "--json").stdout.splitlines()]


@pytest.mark.parametrize("name", ["complementarity", "prompts", "ablation", "errors"])
def test_help_and_pictures(run, data, tmp_path, name):
    assert f"\n  {name} " in run("eval", "study", "--help").stdout
    picture, page = tmp_path / "p.svg", tmp_path / "p.html"
    few = ["--prompts", *PROMPTS] if name in ("complementarity", "prompts") else []
    more = ["--clusters", "8"] if name == "complementarity" else []
    done = run("eval", "study", name, "--data", data[0], "--picture", picture, "--report", page, "--controls", *few, *more)
    root = ElementTree.fromstring(picture.read_text(encoding="utf-8"))
    assert root.tag.endswith("svg") and root.findall(".//{http://www.w3.org/2000/svg}text")
    assert "random_weights" in done.stdout and "tfidf" not in done.stdout
    text = page.read_text(encoding="utf-8")
    assert "<svg" in text and f"<h2>{'sts' if name == 'prompts' else name}</h2>" in text and "https:" not in text


def test_complementarity(run, data):
    path, texts, pairs, _ = data
    [got] = study(run, "complementarity", "--data", path, "--prompts", *PROMPTS, "--clusters", "8")
    used = list(dict.fromkeys(texts[i] for pair in pairs for i in pair))
    lists, overlaps = [], []
    for kind in ("hidden", "routing"):
        for prompt in PROMPTS:
            vectors = embed(run, path.parent, texts, "--kind", kind, "--prompt", prompt).astype(np.float64)
            lists.append(cosines(vectors, pairs))
            rows = [vectors[texts.index(text)] for text in used]
            overlaps.append(MiniBatchKMeans(n_clusters=8, batch_size=500, n_init="auto", random_state=42).fit(rows).labels_)
    matrix = spearmanr(np.array(lists).T).statistic
    assert np.allclose(got["correlations"], matrix, atol=1e-4)
    assert got["labels"] == ["hidden, prompteol", "hidden, tone", "routing, prompteol", "routing, tone"]
    assert got["hidden_hidden"] == pytest.approx(matrix[0, 1], abs=1e-4)
    assert got["routing_routing"] == pytest.approx(matrix[2, 3], abs=1e-4)
    assert got["hidden_routing"] == pytest.approx(matrix[:2, 2:].mean(), abs=1e-4)
    expected = {"ami": [], "nmi": [], "jaccard": []}
    for hidden, routing in zip(overlaps[:2], overlaps[2:]):
        expected["ami"].append(adjusted_mutual_info_score(hidden, routing))
        expected["nmi"].append(normalized_mutual_info_score(hidden, routing))
        (_, one), (two, both) = pair_confusion_matrix(hidden, routing)
        expected["jaccard"].append(both / (one + two + both))
    for name, values in expected.items():
        assert got[name] == pytest.approx(np.mean(values), abs=1e-6), name
    assert got["clustered_texts"] == len(used)
    for name in (*expected, "hidden_hidden", "routing_routing", "hidden_routing"):
        low, high = got["intervals"][name]
        assert low < got[name] < high, name
    picture = path.parent / "one.svg"
    [plain] = study(run, "complementarity", "--data", path, "--prompts", PROMPTS[0], "--clusters", "8", "--resamples", "0",
                    "--picture", picture)
    assert "intervals" not in plain and plain["ami"] == pytest.approx(expected["ami"][0], abs=1e-6)
    assert plain["hidden_hidden"] is None and "nan" not in picture.read_text(), "there are no two prompts"


def test_prompts(run, data):
    path = data[0]
    got = study(run, "prompts", "--data", path, "--kind", "hidden", "sum", "--prompts", *PROMPTS)
    summaries, single = got[:2], got[2:]
    assert [(row["kind"], row["prompt"]) for row in single] == [
        ("hidden", "prompteol"), ("sum", "prompteol"), ("hidden", "tone"), ("sum", "tone")]
    for i, kind in enumerate(("hidden", "sum")):
        values = []
        for row in single[i::2]:
            [alone] = results(run, "sts", "--data", path, "--kind", kind, "--prompt", row["prompt"])
            assert row["spearman"] == alone["spearman"] and row["intervals"] == alone["intervals"]
            values.append(row["spearman"])
        summary = summaries[i]
        assert summary["task"] == "prompts" and summary["kind"] == kind and "prompt" not in summary
        assert summary["mean"] == pytest.approx(np.mean(values)) and summary["std"] == pytest.approx(np.std(values))
        assert (summary["lowest"], summary["highest"]) == (min(values), max(values))
    table = run("eval", "study", "prompts", "--data", path, "--kind", "hidden", "--prompts", *PROMPTS).stdout
    assert len(table.splitlines()) == 2, "people see the summary"


def test_ablation(run, data):
    got = study(run, "ablation", "--data", data[0], "--prompt", "prompteol")
    assert len(got) == 12 and len({row["variant"] for row in got}) == 4
    for row in got:
        options = ["--pooling", "mean" if "mean of tokens" in row["variant"] else "last",
                   "--hidden-layers", "all" if "all layers" in row["variant"] else "last",
                   "--routing-layers", "all" if "all layers" in row["variant"] else "last"]
        [alone] = results(run, "sts", "--data", data[0], "--prompt", "prompteol", "--kind", row["kind"], *options)
        assert row["spearman"] == alone["spearman"], row["variant"]
        assert row.get("pooling", "last") == options[1]
    assert len({row["spearman"] for row in got}) == 12


def test_errors(run, data):
    path, texts, pairs, gold = data
    [got] = study(run, "errors", "--data", path, "--prompt", "prompteol", "--tolerance", "0.3", "--items")
    place = lambda values: (rankdata(values) - 1) / (len(values) - 1)
    error = {kind: np.abs(place(cosines(embed(run, path.parent, texts, "--kind", kind, "--prompt", "prompteol"), pairs))
                          - place(gold)) for kind in ("hidden", "routing", "sum")}
    right = {kind: values <= 0.3 for kind, values in error.items()}
    expected = {"both_right": right["hidden"] & right["routing"], "neither": ~right["hidden"] & ~right["routing"],
                "only_hidden": right["hidden"] & ~right["routing"], "only_routing": ~right["hidden"] & right["routing"],
                "one_right": right["hidden"] ^ right["routing"], "sum_right": right["sum"]}
    for name, values in expected.items():
        assert got[name] == pytest.approx(values.mean(), abs=1e-9), name
        assert got["intervals"][name][0] <= got[name] <= got["intervals"][name][1]
    words = [len(texts[a].split(" ")) + len(texts[b].split(" ")) for a, b in pairs]
    assert got["length_and_hidden_error"] == pytest.approx(spearmanr(words, error["hidden"]).statistic, abs=1e-3)
    assert len(got["examples"]) == 6
    for one in got["examples"]:
        assert abs(one["hidden_error"]) <= 0.3 if one["right"] == "only_hidden" else abs(one["routing_error"]) <= 0.3


def test_what_cannot_be_written_is_refused_before_the_work(data, tmp_path):
    done = start_program("eval", "study", "ablation", "--data", data[0], "--picture", tmp_path / "no/p.svg")
    assert done.returncode == NOT_FOUND and sentence(done.stderr)
    done = start_program("eval", "study", "ablation", "--data", data[0], "--picture", tmp_path / "p.png")
    assert done.returncode == INVALID and ".svg" in sentence(done.stderr)
