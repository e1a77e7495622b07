"""eval classification, pairs, clustering, rerank, summarization: scikit-learn and mteb's rules on the same vectors."""

import gzip
import json

import numpy as np
import pytest
from eval_support import embed, results, write_rows
from program import BAD_FILE, INVALID, TOO_LONG, sentence
from program import run as start_program
from scipy.stats import pearsonr, spearmanr
from sklearn.cluster import MiniBatchKMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, v_measure_score

DATA = "data/demo/openstax.jsonl"


@pytest.fixture(scope="module")
def labelled(root):
    """Sentences with the subject of their book: 360 of them."""
    rows = [json.loads(line) for line in (root / DATA).read_text(encoding="utf-8").splitlines()]
    return [row["text"] for row in rows], [row["subject"] for row in rows]


@pytest.fixture(scope="module")
def vectors(run, labelled, tmp_path_factory):
    """embed(kind): one vector for each of those sentences."""
    cache = {}

    def call(kind):
        if kind not in cache:
            cache[kind] = embed(run, tmp_path_factory.mktemp("vectors"), labelled[0], "--kind", kind)
        return cache[kind].astype(np.float64)
    return call


def undersample(labels, count, experiments, seed=42):
    """mteb's AbsTaskClassification._undersample_data, experiment after experiment."""
    order = list(range(len(labels)))
    for _ in range(experiments):
        np.random.RandomState(seed).shuffle(order)
        taken, rows = {}, []
        for row in order:
            taken[labels[row]] = taken.get(labels[row], 0) + 1
            if taken[labels[row]] <= count:
                rows.append(row)
        yield rows


@pytest.mark.parametrize("kind, names", [("hidden", None), ("sum", None), ("hidden", 2)])
def test_classification_is_mtebs_protocol(run, labelled, vectors, tmp_path, kind, names):
    texts, labels = labelled
    chosen = sorted(set(labels))[:names]
    rows = [i for i, label in enumerate(labels) if label in chosen]
    train, test = rows[::2], rows[1::2]
    for name, part in (("train", train), ("test", test)):
        write_rows(tmp_path / f"{name}.jsonl", [{"text": texts[i], "label": labels[i]} for i in part])
    [got] = results(run, "classification", "--train", tmp_path / "train.jsonl", "--data", tmp_path / "test.jsonl",
                    "--kind", kind, "--samples-per-label", "4", "--experiments", "5", "--items")
    x, truth = vectors(kind), [labels[i] for i in test]
    accuracies, f1s = [], []
    for sample in undersample([labels[i] for i in train], 4, 5):
        model = LogisticRegression(max_iter=100, random_state=42)
        model.fit(x[[train[i] for i in sample]], [labels[train[i]] for i in sample])
        predicted = model.predict(x[test])
        accuracies.append(accuracy_score(truth, predicted))
        f1s.append(f1_score(truth, predicted, average="macro"))
    # Solvers stop at slightly different weights: a row or two on the border may fall otherwise.
    assert abs(got["accuracy"] - np.mean(accuracies)) <= 2 / len(test) / 5
    assert abs(got["f1"] - np.mean(f1s)) <= 4 / len(test) / 5
    assert abs(got["accuracy_std"] - np.std(accuracies)) < 0.01
    assert got["labels"] == len(chosen) and got["split"] == "files" and got["n"] == len(test)
    low, high = got["intervals"]["accuracy"]
    assert low < got["accuracy"] < high
    assert abs(np.mean(got["items"]["accuracy"]) - got["accuracy"]) < 1e-9


def best_by_threshold(scores, labels):
    """mteb's _find_best_acc_and_threshold and _find_best_f1_and_threshold, larger = more alike."""
    order = np.argsort(-np.asarray(scores), kind="stable")
    scores, labels = np.asarray(scores)[order], np.asarray(labels)[order]
    best_accuracy = best_f1 = 0.0
    for i in range(len(scores) - 1):
        if scores[i] == scores[i + 1]:
            continue
        right = labels[:i + 1].sum()
        best_accuracy = max(best_accuracy, (right + (labels[i + 1:] == 0).sum()) / len(labels))
        best_f1 = max(best_f1, 2 * right / (i + 1 + labels.sum()))
    return best_accuracy, best_f1


@pytest.mark.parametrize("kind", ["hidden", "sum"])
def test_pairs_are_scored_as_mteb_does(run, labelled, vectors, tmp_path, kind):
    texts, labels = labelled
    pairs = np.random.default_rng(3).integers(0, len(texts), (400, 2))
    truth = [int(labels[a] == labels[b]) for a, b in pairs]
    rows = [{"sentence1": texts[a], "sentence2": texts[b], "label": label} for (a, b), label in zip(pairs, truth)]
    rows.insert(3, {"sentence1": "a", "sentence2": "b", "label": None})
    [got] = results(run, "pairs", "--data", write_rows(tmp_path / "a.jsonl", rows), "--kind", kind)
    assert (got["n"], got["null_labels"], got["main"]) == (400, 1, "ap")
    x = vectors(kind)
    a, b = x[pairs[:, 0]], x[pairs[:, 1]]
    unit_a, unit_b = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (a, b))
    measures = {"cosine": (unit_a * unit_b).sum(1), "dot": (a * b).sum(1),
                "euclidean": -np.sqrt(((a - b) ** 2).sum(1)), "manhattan": -np.abs(a - b).sum(1)}
    for name, scores in measures.items():
        accuracy, f1 = best_by_threshold(scores, truth)
        assert abs(got[f"{name}_ap"] - average_precision_score(truth, scores)) < 1e-6, name
        assert abs(got[f"{name}_accuracy"] - accuracy) < 1e-9, name
        assert abs(got[f"{name}_f1"] - f1) < 1e-9, name
    for metric in ("ap", "accuracy", "f1"):
        assert got[metric] == max(got[f"{name}_{metric}"] for name in measures)
    if kind == "hidden":  # MTEB's first form, lists over all pairs in one row: TwitterSemEval2015
        lists = {"sent1": [texts[a] for a, _ in pairs], "sent2": [texts[b] for _, b in pairs], "labels": truth}
        [listed] = results(run, "pairs", "--data", write_rows(tmp_path / "lists.jsonl", [lists]), "--kind", kind)
        assert listed["n"] == 400 and all(listed[name] == got[name] for name in (*got["scores"], "dot_ap"))


@pytest.mark.parametrize("kind", ["hidden", "sum"])
@pytest.mark.parametrize("size", [360, 3600])  # a batch and less, and several
def test_clustering_is_scikit_learns_with_the_same_seed(run, labelled, vectors, tmp_path, kind, size):
    """Labels agree but for rounding, so scores agree closely; split by split, in MTEB's form."""
    texts, labels = labelled
    splits = [np.random.default_rng(i).integers(0, len(texts), size) for i in range(2)]
    path = tmp_path / "a.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for split in splits:
            file.write(json.dumps({"sentences": [texts[i] for i in split], "labels": [labels[i] for i in split]})
                       + "\n")
    [got] = results(run, "clustering", "--data", path, "--kind", kind, "--items")
    for score, split in zip(got["items"]["v_measure"], splits):
        truth = [labels[i] for i in split]
        model = MiniBatchKMeans(n_clusters=len(set(truth)), batch_size=500, n_init="auto", random_state=42)
        assert abs(score - v_measure_score(truth, model.fit(vectors(kind)[split]).labels_)) < 1e-6
    assert abs(got["v_measure"] - np.mean(got["items"]["v_measure"])) < 1e-12
    assert abs(got["v_measure_std"] - np.std(got["items"]["v_measure"])) < 1e-12
    assert got["n"] == 2 * size


def test_clustering_of_texts_draws_samples(run, labelled, tmp_path):
    path = write_rows(tmp_path / "a.jsonl", [{"text": t, "label": s} for t, s in zip(*labelled)])
    [got] = results(run, "clustering", "--data", path, "--experiments", "3", "--sample", "200")
    assert got["sampled"] and got["splits"] == 3 and got["n"] == 360
    assert 0 < got["v_measure"] < 1 and "intervals" not in got


def test_rerank_is_mtebs(run, labelled, vectors, tmp_path):
    texts, labels = labelled
    random = np.random.default_rng(8)
    rows, expected_map, expected_mrr = [], [], []
    x = vectors("hidden")
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    for _ in range(40):
        queries = random.choice(len(texts), random.integers(1, 3), replace=False)
        candidates = random.choice(len(texts), 15, replace=False)
        positive = [int(c) for c in candidates if labels[c] == labels[queries[0]]]
        negative = [int(c) for c in candidates if labels[c] != labels[queries[0]]]
        query = [texts[q] for q in queries]
        rows.append({"query": query[0] if len(query) == 1 else query, "positive": [texts[c] for c in positive],
                     "negative": [texts[c] for c in negative]})
        if not positive or not negative:
            continue
        scores = (x[queries] @ x[positive + negative].T).max(0)
        truth = np.array([1] * len(positive) + [0] * len(negative))
        expected_map.append(average_precision_score(truth, scores))
        rank = np.flatnonzero(truth[np.argsort(-scores, kind="stable")])[0] + 1
        expected_mrr.append(1 / rank if rank <= 10 else 0)
    [got] = results(run, "rerank", "--data", write_rows(tmp_path / "a.jsonl", rows))
    assert 0 < len(expected_map) < 40
    assert (got["n"], got["one_sided"]) == (len(expected_map), 40 - len(expected_map))
    assert abs(got["map"] - np.mean(expected_map)) < 1e-6
    assert abs(got["mrr"] - np.mean(expected_mrr)) < 1e-6


def test_summarization_is_the_mean_correlation_without_p_values(run, labelled, vectors, tmp_path):
    texts, _ = labelled
    random = np.random.default_rng(4)
    rows, spearmans, pearsons = [], [], []
    x = vectors("hidden")
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    for i in range(12):
        human, machine = random.integers(0, len(texts), 3), random.integers(0, len(texts), 6)
        ratings = [3.0] * 6 if i == 5 else random.integers(1, 6, 6).astype(float).tolist()
        rows.append({"text": "the article", "human_summaries": [texts[h] for h in human],
                     "machine_summaries": [texts[m] for m in machine], "relevance": ratings})
        if i != 5:
            near = (x[machine] @ x[human].T).max(1)
            spearmans.append(spearmanr(ratings, near).statistic)
            pearsons.append(pearsonr(ratings, near).statistic)
    [got] = results(run, "summarization", "--data", write_rows(tmp_path / "a.jsonl", rows))
    assert (got["n"], got["constant"]) == (11, 1)
    assert abs(got["spearman"] - np.mean(spearmans)) < 1e-6
    assert abs(got["pearson"] - np.mean(pearsons)) < 1e-6


@pytest.mark.parametrize("task", ["pairs", "classification"])
def test_another_systems_vectors_have_a_row(run, labelled, tmp_path, task):
    """The model's own vectors, made by another command, have its scores."""
    texts, labels = labelled
    rows = [{"sentence1": a, "sentence2": b, "text": a, "label": int(x == y)}
            for a, b, x, y in zip(texts, texts[1:] + texts[:1], labels, labels[2:] + labels[:2])]
    data, wanted, vectors = write_rows(tmp_path / "a.jsonl", rows), tmp_path / "texts.jsonl", tmp_path / "v.npy"
    [alone] = results(run, task, "--data", data, "--kind", "hidden", "--texts-out", wanted)
    run("embed", "--kind", "hidden", "--input", wanted, "--out", vectors)
    model, other = results(run, task, "--data", data, "--kind", "hidden", "--vectors", f"own={vectors}")
    assert (model["system"], other["system"]) == ("model", "own") and "kind" not in other
    assert "vectors_hash" in other["provenance"] and "weights_hash" not in other["provenance"]
    for name in alone["scores"]:
        assert alone[name] == model[name] == other[name] and model["intervals"][name] == other["intervals"][name]
    np.save(vectors, np.load(vectors)[1:])
    for option, says in ((f"own={vectors}", "--texts-out"), (str(vectors), "NAME=F.npy")):
        done = start_program("eval", task, "--data", data, "--vectors", option)
        assert done.returncode == INVALID and says in sentence(done.stderr)


@pytest.mark.parametrize("task, row, code, says", [
    ("classification", {"text": "a", "label": 1}, INVALID, "one label only"),
    ("classification", {"text": "a", "label": 1.5}, BAD_FILE, "text or a whole number"),
    ("classification", {"words": "a", "label": 1}, BAD_FILE, "--text-field"),
    ("pairs", {"sentence1": "a", "sentence2": "b", "label": 1}, BAD_FILE, "one label only"),
    ("pairs", {"sentence1": "a", "sentence2": "b", "label": 2}, BAD_FILE, "1 for a pair that belongs together"),
    ("pairs", {"sent1": ["a", "b"], "sent2": ["c", "d"], "labels": [1]}, BAD_FILE, "2 and 2 sentences, 1 labels"),
    ("clustering", {"text": "a", "label": "x"}, BAD_FILE, "one label only"),
    ("rerank", {"query": "a", "positive": ["b"], "negative": []}, BAD_FILE, "--negative-field"),
    ("summarization", {"human_summaries": ["a"], "machine_summaries": ["b"], "relevance": [1, 2]}, BAD_FILE,
     "a rating for each machine summary"),
    ("summarization", {"human_summaries": ["a"], "machine_summaries": ["b", "c"], "relevance": [1, 1]}, INVALID,
     "--relevance-field")])
def test_bad_input_is_one_sentence(tmp_path, task, row, code, says):
    done = start_program("eval", task, "--data", write_rows(tmp_path / "a.jsonl", [row, row]))
    assert done.returncode == code and done.stdout == b""
    assert says in sentence(done.stderr)


def test_a_text_that_is_too_long_is_named(tmp_path):
    rows = [{"sentence1": "a", "sentence2": "b", "label": 1}, {"sentence1": "The long " + "sea " * 2000, "sentence2": "b",
                                                              "label": 0}]
    done = start_program("eval", "pairs", "--data", write_rows(tmp_path / "a.jsonl", rows))
    assert done.returncode == TOO_LONG
    assert 'embedding "The long sea' in sentence(done.stderr) and "--truncate" in sentence(done.stderr)


@pytest.mark.parametrize("task", ["classification", "pairs", "clustering", "rerank", "summarization"])
def test_empty_and_missing_files(tmp_path, task):
    (tmp_path / "a.jsonl").write_text("\n")
    done = start_program("eval", task, "--data", tmp_path / "a.jsonl")
    assert done.returncode == BAD_FILE and "no rows" in sentence(done.stderr)
    done = start_program("eval", task, "--data", tmp_path / "none.jsonl")
    assert done.returncode == 3 and sentence(done.stderr)
