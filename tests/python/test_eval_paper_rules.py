"""eval … --paper-rules: MoEE(sum) as the paper's published code scores it, redone with scikit-learn and scipy.

What that code does (tianyi-lab/MoE-Embedding, mteb/evaluation/evaluators) is written out here on the vectors that
`expertoire embed` gives for hidden and routing."""

import json

import numpy as np
import pytest
from eval_support import embed, results, write_rows
from scipy.stats import pearsonr, spearmanr
from sklearn.cluster import MiniBatchKMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, v_measure_score
from sklearn.metrics.pairwise import cosine_similarity, paired_euclidean_distances, paired_manhattan_distances
from test_eval_tasks import undersample

PAPER = ["--kind", "sum", "--paper-rules"]


@pytest.fixture(scope="module")
def labelled(root):
    rows = [json.loads(line) for line in (root / "data/demo/openstax.jsonl").read_text(encoding="utf-8").splitlines()]
    return [row["text"] for row in rows], [row["subject"] for row in rows]


@pytest.fixture(scope="module")
def parts(run, labelled, tmp_path_factory):
    """hidden and routing of those sentences."""
    return [embed(run, tmp_path_factory.mktemp(kind), labelled[0], "--kind", kind).astype(np.float64)
            for kind in ("hidden", "routing")]


@pytest.mark.parametrize("weight", [1, 0.3])
def test_classification_averages_class_numbers(run, labelled, parts, tmp_path, weight):
    texts, labels = labelled
    numbers = {label: 3 * i for i, label in enumerate(sorted(set(labels)))}
    y = np.array([numbers[label] for label in labels])
    train, test = np.arange(0, len(texts), 2), np.arange(1, len(texts), 2)
    for name, rows in (("train", train), ("test", test)):
        write_rows(tmp_path / f"{name}.jsonl", [{"text": texts[i], "label": int(y[i])} for i in rows])
    [got] = results(run, "classification", "--train", tmp_path / "train.jsonl", "--data", tmp_path / "test.jsonl", *PAPER,
                    "--alpha", weight, "--samples-per-label", "6", "--experiments", "4")
    accuracies, f1s = [], []
    for sample in undersample(y[train].tolist(), 6, 4):
        main, aux = (LogisticRegression(max_iter=100, random_state=42).fit(x[train[sample]], y[train[sample]])
                     .predict(x[test]) for x in parts)
        predicted = [int(i) for i in (main + aux * weight) / (1 + weight)]
        accuracies.append(accuracy_score(y[test], predicted))
        f1s.append(f1_score(y[test], predicted, average="macro"))
    assert got["rules"] == "paper" and got["kind"] == "sum" and got["alpha"] == weight
    # Solvers stop at slightly different weights: a row or two on the border may fall otherwise.
    assert abs(got["accuracy"] - np.mean(accuracies)) <= 2 / len(test) / 4
    assert abs(got["f1"] - np.mean(f1s)) <= 0.01


@pytest.mark.parametrize("weight", [1, 0.3])
def test_clustering_averages_cluster_numbers(run, labelled, parts, tmp_path, weight):
    texts, labels = labelled
    data = write_rows(tmp_path / "a.jsonl", [{"sentences": texts, "labels": labels}])
    [got] = results(run, "clustering", "--data", data, *PAPER, "--alpha", weight)
    np.random.seed(42)  # mteb's Evaluator; both runs draw from it
    main, aux = (MiniBatchKMeans(n_clusters=len(set(labels)), batch_size=500, n_init="auto").fit(x).labels_
                 for x in parts)
    with pytest.warns(UserWarning, match="continuous"):
        expected = v_measure_score(labels, (main + aux * weight) / (1 + weight))
    assert abs(got["v_measure"] - expected) < 1e-6 and got["rules"] == "paper"
    [ours] = results(run, "clustering", "--data", data, "--kind", "sum", "--alpha", weight)
    assert abs(ours["v_measure"] - expected) > 0.01 and "rules" not in ours


def test_pairs_add_distances(run, labelled, parts, tmp_path):
    texts, labels = labelled
    pairs = np.random.default_rng(5).integers(0, len(texts), (300, 2))
    truth = [int(labels[a] == labels[b]) for a, b in pairs]
    data = write_rows(tmp_path / "a.jsonl", [{"sentence1": texts[a], "sentence2": texts[b], "label": label}
                                             for (a, b), label in zip(pairs, truth)])
    [got] = results(run, "pairs", "--data", data, *PAPER, "--alpha", "0.5")
    one, two = ([x[pairs[:, side]] for x in parts] for side in (0, 1))
    both = lambda measure: measure(one[0], two[0]) + 0.5 * measure(one[1], two[1])
    expected = {"cosine": both(lambda a, b: np.diag(cosine_similarity(a, b))),
                "manhattan": -both(paired_manhattan_distances), "euclidean": -both(paired_euclidean_distances),
                "dot": (one[0] * two[0]).sum(1)}
    aps = {name: average_precision_score(truth, scores) for name, scores in expected.items()}
    for name, ap in aps.items():
        assert abs(got[f"{name}_ap"] - ap) < 1e-6, name
    assert abs(got["ap"] - max(aps.values())) < 1e-6 and got["rules"] == "paper"


def test_rerank_takes_mrr_from_hidden_states(run, labelled, parts, tmp_path):
    texts, labels = labelled
    random = np.random.default_rng(6)
    rows, precisions, reciprocals = [], [], []
    while len(rows) < 30:
        query, *candidates = random.choice(len(texts), 16, replace=False).tolist()
        candidates.sort(key=lambda c: labels[c] != labels[query])
        relevant = [labels[c] == labels[query] for c in candidates]
        if not any(relevant) or all(relevant):
            continue
        split = sum(relevant)
        rows.append({"query": texts[query], "positive": [texts[c] for c in candidates[:split]],
                     "negative": [texts[c] for c in candidates[split:]]})
        main, aux = (cosine_similarity(x[[query]], x[candidates])[0] for x in parts)
        precisions.append(average_precision_score(relevant, main + 2 * aux))
        ranks = [i for i, c in enumerate(np.argsort(-main)[:10]) if relevant[c]]
        reciprocals.append(1 / (ranks[0] + 1) if ranks else 0)
    [got] = results(run, "rerank", "--data", write_rows(tmp_path / "a.jsonl", rows), *PAPER, "--alpha", "2")
    assert abs(got["map"] - np.mean(precisions)) < 1e-6
    assert abs(got["mrr"] - np.mean(reciprocals)) < 1e-6 and got["rules"] == "paper"


def test_summaries_average_p_values_too(run, labelled, parts, tmp_path):
    texts, _ = labelled
    random = np.random.default_rng(9)
    rows, scores = [], {("hidden", "spearman"): [], ("hidden", "pearson"): [], ("sum", "spearman"): [],
                        ("sum", "pearson"): []}
    for _ in range(10):
        human, machine = random.integers(0, len(texts), 3), random.integers(0, len(texts), 7)
        ratings = random.permutation(7).astype(float).tolist()
        rows.append({"human_summaries": [texts[h] for h in human], "machine_summaries": [texts[m] for m in machine],
                     "relevance": ratings})
        main, aux = (cosine_similarity(x[machine], x[human]) for x in parts)
        for kind, near in (("hidden", main.max(1)), ("sum", (main + aux).max(1))):
            scores[kind, "spearman"].append(spearmanr(ratings, near))
            scores[kind, "pearson"].append(pearsonr(ratings, near))
    got = results(run, "summarization", "--data", write_rows(tmp_path / "a.jsonl", rows), "--kind", "hidden", "sum",
                  "--paper-rules")
    for row in got:
        assert row["rules"] == "paper"
        for name in ("spearman", "pearson"):
            assert abs(row[name] - np.mean(scores[row["kind"], name])) < 1e-6, (row["kind"], name)


def test_sts_orders_pairs_alike_either_way(run, labelled, tmp_path):
    texts, _ = labelled
    data = write_rows(tmp_path / "a.jsonl", [{"sentence1": texts[i], "sentence2": texts[i + 1], "score": i * 7 % 11}
                                             for i in range(60)])
    ours, hidden = results(run, "sts", "--data", data, "--kind", "sum", "hidden")
    paper, same = results(run, "sts", "--data", data, "--kind", "sum", "hidden", "--paper-rules")
    assert abs(paper["spearman"] - ours["spearman"]) < 1e-3 and "pearson" not in paper
    assert same["spearman"] == hidden["spearman"] and "rules" not in same
