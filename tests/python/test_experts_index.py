"""experts index: its numbers counted again from a trace, and kill -9 at random moments."""

import json
import random
import signal
import sqlite3
import struct
import time
from collections import defaultdict
from contextlib import closing

import pytest
from program import CANCELLED, INVALID, corpus, run, sentence, start, wait_until_it_catches

TEXTS = 12


def traced(model, texts):
    """{(layer, expert): [(score, text, token of the vocabulary)]} of every use, from `trace`."""
    done = run("trace", "--model", model, "--input", texts, "--threads", 1)
    assert done.returncode == 0, done.stderr
    uses = defaultdict(list)
    for index, line in enumerate(done.stdout.splitlines()):
        record = json.loads(line)
        for token, *of_layers in zip(record["ids"], record["routed_experts"], record["routed_weights"]):
            for layer, experts, scores in zip(record["layers"], *of_layers):
                for expert, score in zip(experts, scores):
                    uses[layer, expert].append((score, index, token))
    return uses


def rows(path, query):
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


@pytest.mark.parametrize("model", ["olmoe-small", "monet-small"])
def test_numbers_are_those_of_a_trace(model, tmp_path):
    texts = corpus(tmp_path / "texts.jsonl", TEXTS)
    out = tmp_path / "x.db"
    done = run("experts", "index", "--model", model, "--input", texts, "--out", out, "--json",
               "--tokens-per-unit", 2000, "--threads", 1)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["documents"] == TEXTS
    uses = traced(model, texts)
    begin, layers = 0, {}
    for layer, experts, keys in rows(out, "SELECT layer, experts, keys FROM layers ORDER BY layer"):
        layers[layer] = (begin, experts)
        begin += experts + 2 * keys
    units = {row[0]: row[1:] for row in rows(out, "SELECT id, count, mass, max, tokens, contexts FROM units")}
    experts_there = sum(1 for unit in units for first, count in layers.values() if first <= unit < first + count)
    assert experts_there == len(uses)
    for (layer, expert), scores in uses.items():
        count, mass, highest, tokens, contexts = units[layers[layer][0] + expert]
        assert count == len(scores)
        assert mass == pytest.approx(sum(score for score, _, _ in scores), rel=1e-6)
        assert highest == pytest.approx(max(scores)[0], rel=1e-6)
        by_token = defaultdict(list)
        for score, _, token in scores:
            by_token[token].append(score)
        found = {token: (n, mass) for token, n, mass, error in struct.iter_unpack("<iIdd", tokens)}
        assert {token: len(all_) for token, all_ in by_token.items()} == {t: n for t, (n, _) in found.items()}
        best = max(score for _, _, score in struct.iter_unpack("<iif", contexts))
        assert best == pytest.approx(highest)


def tables(path):
    """All rows but those of the full-text index, whose layout may differ."""
    names = ["labels", "layers", "documents", "units", "together", "passages"]
    return {name: rows(path, f"SELECT * FROM {name}") for name in names}


def test_killed_at_random_moments(tmp_path):
    texts = corpus(tmp_path / "texts.jsonl", 150)
    fixed = ["experts", "index", "--input", texts, "--checkpoint-seconds", 0]
    assert run(*fixed, "--out", tmp_path / "whole.db").returncode == 0
    chance = random.Random(1)
    out = tmp_path / "x.db"
    kills = 0
    for _ in range(40):
        process = start(*fixed, "--out", out, "--resume")
        try:
            process.wait(timeout=chance.uniform(0.05, 0.7))
        except Exception:  # still at work
            process.kill()
            kills += 1
        _, stderr = process.communicate()
        assert process.returncode in (0, -9), stderr
        if process.returncode == 0:
            break
    else:
        assert run(*fixed, "--out", out, "--resume").returncode == 0
    assert kills > 0
    assert tables(out) == tables(tmp_path / "whole.db")
    found = "SELECT count(*) FROM passages_fts WHERE passages_fts MATCH 'the'"
    assert rows(out, found) == rows(tmp_path / "whole.db", found)
    assert not list(tmp_path.glob("x.db.*"))


def test_ctrl_c_keeps_what_was_read(tmp_path):
    texts = corpus(tmp_path / "texts.jsonl", 3000)
    out, part = tmp_path / "x.db", tmp_path / "x.db.part"
    process = start("experts", "index", "--input", texts, "--out", out, "--checkpoint-seconds", 3600)
    wait_until_it_catches(process, signal.SIGINT)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == CANCELLED, stderr
    read = rows(part, "SELECT sum(documents) FROM labels")[0][0]
    assert 0 < read < 3000
    assert rows(part, "SELECT count(*) FROM units")[0][0] > 1000


def test_refusals(tmp_path):
    texts = corpus(tmp_path / "texts.jsonl", 2)
    dense = run("experts", "index", "--model", tmp_path, "--input", texts, "--out", tmp_path / "x.db")
    assert "config.json" in sentence(dense.stderr)
    (tmp_path / "texts.csv").write_text("a,b\n")
    wrong = run("experts", "index", "--input", tmp_path / "texts.csv", "--out", tmp_path / "x.db")
    assert wrong.returncode == INVALID
    assert ".jsonl" in sentence(wrong.stderr)
    (tmp_path / "bad.jsonl").write_text('{"text": "good"}\n{"text": 3}\n')
    bad = run("experts", "index", "--input", tmp_path / "bad.jsonl", "--out", tmp_path / "y.db")
    assert "line 2" in sentence(bad.stderr)


def test_what_the_model_writes_is_indexed(tmp_path):
    texts, out = corpus(tmp_path / "texts.jsonl", 5), tmp_path / "x.db"
    edit = tmp_path / "e.json"
    edit.write_text(json.dumps({"format": "expertoire.routing_edit", "version": 1,
                                "edits": [{"action": "reroute", "experts": [3], "renormalize": True}]}))
    model = ["--model", "olmoe-small", "--threads", 1, "--compute", "f32", "--edit", edit]
    index = ["experts", "index", *model, "--input", texts, "--prompt-tokens", 6]
    done = run(*index, "--out", out, "--continue", 10, "--temperature", 0)
    assert done.returncode == 0, done.stderr
    documents = [list(struct.unpack(f"<{len(ids) // 4}i", ids))
                 for (ids,) in rows(out, "SELECT ids FROM documents ORDER BY id")]
    (tmp_path / "ids.json").write_text(json.dumps([ids[:6] for ids in documents]))
    written = [json.loads(line)["ids"] for line in run("generate", *model, "--ids", tmp_path / "ids.json",
                                                       "--max-tokens", 10, "--json").stdout.splitlines()]
    assert [ids[6:] for ids in documents] == written and any(len(ids) == 10 for ids in written)
    # Its numbers are those of a trace of these tokens.
    (tmp_path / "all.json").write_text(json.dumps(documents))
    run("trace", *model, "--ids", tmp_path / "all.json", "--out", tmp_path / "t.jsonl")
    uses = defaultdict(int)
    for line in (tmp_path / "t.jsonl").read_text().splitlines():
        record = json.loads(line)
        for of_layers in record["routed_experts"]:
            for layer, experts in zip(record["layers"], of_layers):
                for expert in experts:
                    uses[32 * record["layers"].index(layer) + expert] += 1
    assert dict(rows(out, "SELECT id, count FROM units")) == uses
    assert not any(unit % 32 == 3 for unit in uses)
    sampled = [tmp_path / name for name in ("a.db", "b.db", "c.db")]
    for path, seed in zip(sampled, (1, 1, 2)):
        assert run(*index, "--out", path, "--continue", 10, "--seed", seed).returncode == 0
    a, b, c = (rows(path, "SELECT ids FROM documents ORDER BY id") for path in sampled)
    assert a == b != c
    refused = run(*index, "--out", tmp_path / "d.db", "--continue", 600)
    assert refused.returncode == INVALID and "--window" in sentence(refused.stderr)
    refused = run(*index, "--out", tmp_path / "d.db", "--continue", 10, "--max-tokens", 15)
    assert refused.returncode == INVALID and "16 tokens with their prompt" in sentence(refused.stderr)
    assert run(*index, "--out", tmp_path / "d.db").returncode == INVALID, "--prompt-tokens without --continue"
