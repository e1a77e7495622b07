"""expertoire experts label: labels, their scores as scipy has them, and endpoints that misbehave."""

import json
import sqlite3
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from scipy import stats

KEY = "no-such-key-1234"


@pytest.fixture(scope="module")
def indexes(run, tmp_path_factory):
    """Two indexes of monet-small over halves of some calibration sentences, ten of them a document."""
    from program import CORPUS
    folder = tmp_path_factory.mktemp("labels")
    rows = [json.loads(line) for line in CORPUS.read_text().splitlines()[:1200]]
    documents = [" ".join(row["text"] for row in rows[i:i + 10]) for i in range(0, len(rows), 10)]
    (folder / "corpus.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in documents))
    for part in ("train", "held-out"):
        run("experts", "index", "--input", folder / "corpus.jsonl", "--hold-out", "1/2", "--part", part,
            "--contexts", 24, "--out", folder / f"{part}.db")
    return folder / "train.db", folder / "held-out.db"


def label(run, indexes, *arguments, method="words", **options):
    return run("experts", "label", "--index", indexes[0], "--held-out", indexes[1], "--method", method,
               *arguments, **options)


@pytest.fixture(scope="module")
def words(run, indexes):
    return json.loads(label(run, indexes, "--top", 24, "--json").stdout)


def stored(indexes, method):
    with sqlite3.connect(indexes[0]) as database:
        return database.execute("SELECT text, score, low, high, p, items, reliable, source FROM expert_labels "
                                "WHERE method = ? ORDER BY unit", (method,)).fetchall()


def test_scores_are_scipys(words):
    labels = words["labels"]
    assert len(labels) == 24
    tested = [one for one in labels if one["items"] >= 40]
    assert tested
    for one in labels:
        test = stats.binomtest(one["right"], one["items"], alternative="greater")
        interval = stats.binomtest(one["right"], one["items"]).proportion_ci(0.95, "exact")
        assert np.isclose(one["p"], test.pvalue, rtol=1e-9)
        assert np.allclose([one["low"], one["high"]], interval, rtol=0, atol=1e-9)
        tasks = one["tasks"].values()
        found = sum(task["active_right"] for task in tasks) / sum(task["active"] for task in tasks)
        spared = sum(task["controls_right"] for task in tasks) / sum(task["controls"] for task in tasks)
        assert np.isclose(one["balanced_accuracy"], (found + spared) / 2)
    adjusted = stats.false_discovery_control([one["p"] for one in tested])
    assert np.allclose([one["q"] for one in tested], adjusted)
    for one, q in zip(tested, adjusted, strict=True):
        assert one["reliable"] == (q <= 0.05 and one["low"] >= 0.7)
    assert words["reliable"] == sum(one["reliable"] for one in labels)


def test_labels_are_in_the_index_and_repeat(run, indexes, words):
    rows = stored(indexes, "words")
    assert len(rows) == 24
    by_text = {(one["text"], one["items"], one["reliable"]) for one in words["labels"]}
    assert {(text, items, bool(reliable)) for text, _, _, _, _, items, reliable, _ in rows} == by_text
    assert "replication" in json.loads(rows[0][-1])
    assert json.loads(label(run, indexes, "--top", 24, "--json").stdout) == words
    text = label(run, indexes, "--units", words["labels"][0]["expert"]).stdout
    assert words["labels"][0]["text"] in text and "shuffled" in text
    assert ("(unreliable)" in text.splitlines()[0]) != words["labels"][0]["reliable"]


def test_self_explanation_runs_on_any_model(run, indexes):
    about = json.loads(label(run, indexes, "--top", 3, "--json", method="self").stdout)
    assert len(about["labels"]) == 3 and about["how"]["top_tokens"] == 10
    assert about["labels"] == json.loads(
        label(run, indexes, "--top", 3, "--json", "--threads", 1, method="self").stdout)["labels"]
    assert "made with" in label(run, indexes, "--top", 3, "--model", "olmoe-small", method="self", code=2).stderr


def test_what_cannot_be_done_is_refused(run, indexes):
    assert "both indexes" in run("experts", "label", "--index", indexes[0], "--held-out", indexes[0],
                                 "--method", "words", code=2).stderr
    assert "--contexts" in label(run, indexes, "--min-items", 2000, code=2).stderr
    assert "words, endpoint, self" in label(run, indexes, method="guess", code=2).stderr
    assert "layer 99" in label(run, indexes, "--units", "99:1", code=2).stderr
    assert "--base-url" in label(run, indexes, method="endpoint", code=2).stderr
    assert "--dry-run" in label(run, indexes, "--dry-run", code=2).stderr


class Endpoint:
    """Says "words" of every expert, and that items with an even number are active. `plan` takes a request's number and
    returns what goes wrong with it, or None."""

    def __init__(self, plan=lambda number: None):
        self.plan, self.requests, self.keys = plan, 0, set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                outer.requests += 1
                outer.keys.add(self.headers["Authorization"])
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, text = outer.plan(outer.requests) or (200, outer.answer(body["messages"]))
                if status is None:
                    return self.connection.close()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def answer(messages):
        user = messages[1]["content"]
        count = len(user.splitlines()) - 2
        text = str([i % 2 for i in range(count)]) if user.startswith("Description: ") else "LABEL: words"
        return json.dumps({"choices": [{"message": {"content": text}}], "usage": {"total_tokens": 100}})

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()


def by_endpoint(run, indexes, endpoint, *arguments, **options):
    return label(run, indexes, "--top", 4, "--no-shuffled", "--base-url", endpoint.url, "--chat-model", "m",
                 "--first-wait", 0.01, "--json", *arguments, method="endpoint", env={"OPENAI_API_KEY": KEY}, **options)


def forget(indexes):
    with sqlite3.connect(indexes[0]) as database:
        database.execute("DROP TABLE IF EXISTS endpoint_answers")
        database.execute("DELETE FROM expert_labels WHERE method = 'endpoint'")


def test_a_dry_run_asks_and_writes_nothing(run, indexes):
    forget(indexes)
    with Endpoint() as endpoint:
        shown = label(run, indexes, "--dry-run", "--base-url", endpoint.url, method="endpoint").stdout
        assert endpoint.requests == 0
    assert "<<" in shown and "LABEL:" in shown and "requests for" in shown
    assert stored(indexes, "endpoint") == []


def test_an_endpoint_that_fails_halfway_loses_nothing(run, indexes):
    forget(indexes)
    with Endpoint() as endpoint:
        whole = json.loads(by_endpoint(run, indexes, endpoint).stdout)
        needed = endpoint.requests
        assert whole["how"]["requests"] == needed and endpoint.keys == {f"Bearer {KEY}"}
        assert whole["how"]["tokens"] == 100 * needed
        assert all(one["text"] == "words" for one in whole["labels"])

        forget(indexes)
        dies_at = needed + needed // 2
        endpoint.plan = lambda number: (500, "gone") if number >= dies_at else None
        failed = by_endpoint(run, indexes, endpoint, "--retries", 2, code=7)
        assert "gone" in failed.stderr and "answers that came are kept" in failed.stderr
        assert endpoint.requests == dies_at + 2
        assert 0 < len(stored(indexes, "endpoint")) < 4  # the experts that were through

        endpoint.plan = lambda number: None
        again = json.loads(by_endpoint(run, indexes, endpoint).stdout)
        assert again["how"]["requests"] == needed - (dies_at - needed - 1)
    assert again["labels"] == whole["labels"]
    assert len(stored(indexes, "endpoint")) == 4
    assert KEY.encode() not in indexes[0].read_bytes()


def test_what_passes_is_waited_for(run, indexes):
    forget(indexes)
    trouble = {1: (429, "slow down"), 3: (200, "{broken"), 4: (503, ""), 6: (None, ""), 7: (200, '{"choices": []}')}
    with Endpoint(trouble.get) as endpoint:
        about = json.loads(by_endpoint(run, indexes, endpoint).stdout)
        assert about["how"]["requests"] == endpoint.requests
    assert about["scored"] == 4


def test_caps_and_refusals_end_the_run(run, indexes):
    forget(indexes)
    with Endpoint() as endpoint:
        assert "--max-requests" in by_endpoint(run, indexes, endpoint, "--max-requests", 3, code=6).stderr
        assert endpoint.requests == 3
        assert "--max-tokens" in by_endpoint(run, indexes, endpoint, "--max-tokens", 200, code=6).stderr
        assert endpoint.requests == 5
    with Endpoint(lambda number: (401, "no such key")) as endpoint:
        refused = by_endpoint(run, indexes, endpoint, code=7).stderr
        assert "no such key" in refused and KEY not in refused and endpoint.requests == 1
