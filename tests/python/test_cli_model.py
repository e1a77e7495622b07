"""forward, trace, generate, perplexity, and --edit wherever a model runs."""

import json
import os

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

LAYERS = 6
OLMOE = ["--model", "olmoe-small"]  # what `reference` is; trace, generate and perplexity have another default


@pytest.fixture(scope="module")
def ids(reference, sentences):
    return [reference.ids(text) for text in sentences[200:206]]


@pytest.fixture(scope="module")
def files(ids, sentences, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    (folder / "ids.json").write_text(json.dumps(ids))
    (folder / "texts.txt").write_text("".join(text + "\n" for text in sentences[200:206]))
    return folder


def tensors(run, files, command, *options):
    out = files / f"{command}.safetensors"
    run(command, *OLMOE, "--ids", files / "ids.json", "--out", out, *options)
    return load_file(out)


@pytest.mark.parametrize("compute", ["f32", "bf16"])
def test_trace_says_what_forward_says(run, files, ids, compute):
    stages = "router_logits,topk_ids,topk_weights"
    forward = tensors(run, files, "forward", "--stages", stages, "--compute", compute)
    traced = tensors(run, files, "trace", "--logits", "--compute", compute)
    assert traced["seq_lens"].tolist() == [len(one) for one in ids]
    assert traced["input_ids"].tolist() == sum(ids, [])
    for name, tensor in forward.items():
        assert (traced[name] == tensor).all(), name
    lines = run("trace", *OLMOE, "--input", files / "texts.txt", "--logits", "--compute", compute).stdout
    at = 0
    for i, row in enumerate(map(json.loads, lines.splitlines())):
        assert row["index"] == i and row["ids"] == ids[i] and row["layers"] == list(range(LAYERS))
        for key, stage in (("routed_experts", "topk_ids"), ("routed_weights", "topk_weights"),
                           ("router_logits", "router_logits")):
            expected = np.stack([forward[f"{stage}.{layer}"][at:at + len(ids[i])] for layer in range(LAYERS)], 1)
            assert (np.array(row[key], expected.dtype) == expected).all(), key
        at += len(ids[i])
    short = json.loads(run("trace", *OLMOE, "--ids", files / "ids.json").stdout.splitlines()[0])
    assert "router_logits" not in short
    run("trace", *OLMOE, "--ids", files / "ids.json", "--out", files / "t.jsonl", "--logits", "--compute", compute)
    assert (files / "t.jsonl").read_text() == lines


def generate(run, *options, code=0, **more):
    done = run("generate", "--json", *options, code=code, **more)
    return [json.loads(line) for line in done.stdout.splitlines()]


def greedy(reference, ids, count):
    import torch
    out = reference.model.generate(torch.tensor([ids]), do_sample=False, max_new_tokens=count, min_new_tokens=count)
    return out[0, len(ids):].tolist()


def test_greedy_continuation_is_transformers(run, reference, files, ids):
    rows = generate(run, *OLMOE, "--ids", files / "ids.json", "--max-tokens", 12, "--ignore-eos", "--compute", "f32")
    assert [row["prompt_ids"] for row in rows] == ids
    assert [row["ids"] for row in rows] == [greedy(reference, one, 12) for one in ids]
    for row in rows:
        assert row["finish_reason"] == "length"
        assert row["text"] == reference.tokenizer.decode(row["ids"])


def test_prompt_and_ids_are_the_same(run, reference):
    text = "The cell is"
    row, = generate(run, *OLMOE, "--prompt", text, "--max-tokens", 8)
    assert row["prompt_ids"] == reference.ids(text)
    assert run("generate", *OLMOE, "--prompt", text, "--max-tokens", 8).stdout == row["text"] + "\n"
    run("generate", "--prompt", text, "--ids", "x.json", code=2)


def test_seeds_and_how_to_sample(run):
    def text(*options):
        return generate(run, "--prompt", "In the beginning", "--max-tokens", 16, *options)[0]["ids"]
    hot = ["--temperature", "1.5"]
    assert text(*hot, "--seed", "7") == text(*hot, "--seed", "7")
    assert len({tuple(text(*hot, "--seed", seed)) for seed in range(1, 5)}) == 4
    assert text(*hot, "--top-k", "1", "--seed", "3") == text()
    assert text(*hot, "--top-p", "1e-6", "--seed", "3") == text()
    for bad in (["--temperature", "-1"], ["--top-p", "0"], ["--top-p", "1.1"], ["--top-k", "-1"]):
        run("generate", "--prompt", "a", *bad, code=2)


def test_stop_cuts_before_the_first_of_its_strings(run):
    whole, = generate(run, "--prompt", "The cell is", "--max-tokens", 24)
    stop = whole["text"][10:13]
    cut, = generate(run, "--prompt", "The cell is", "--max-tokens", 24, "--stop", "\x01", "--stop", stop)
    assert cut["finish_reason"] == "stop"
    assert cut["text"] == whole["text"][:whole["text"].index(stop)]
    shown = run("generate", "--prompt", "The cell is", "--max-tokens", 24, "--stop", stop).stdout
    assert shown == cut["text"] + "\n"


def test_the_end_of_the_sequence_ends_it(run, root, tmp_path):
    """generation_config.json may name other ids than config.json."""
    for entry in os.scandir(root / "models/olmoe-small"):
        if entry.name != "generation_config.json":
            os.symlink(entry.path, tmp_path / entry.name)
    options = ["--model", tmp_path, "--prompt", "The cell is", "--max-tokens", 8]
    whole, = generate(run, *options)
    end = whole["ids"][5]
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": [0, end]}))
    ended, = generate(run, *options)
    assert ended["finish_reason"] == "eos"
    assert ended["ids"] == whole["ids"][:whole["ids"].index(end)]
    assert generate(run, *options, "--ignore-eos") == [whole]


def traced_experts(run, rows, *model):
    """Of each token of `rows` (ids), the experts that `trace` lists, strongest first."""
    lines = run("trace", *model, "--ids", "/dev/stdin", stdin=json.dumps(rows)).stdout.splitlines()
    for line in map(json.loads, lines):
        yield [sorted(((-score, layer, expert) for layer, experts, scores in zip(line["layers"], ids, weights)
                       for expert, score in zip(experts, scores)))
               for ids, weights in zip(line["routed_experts"], line["routed_weights"])]


@pytest.mark.parametrize("model, name", [("olmoe-small", str), ("monet-small", lambda e: f"{e // 512},{e % 512}")])
def test_generate_shows_the_experts_of_each_token(run, model, name):
    options = ["--model", model, "--prompt", "The cell is", "--max-tokens", 6]
    plain, = generate(run, *options)
    row, = generate(run, *options, "--trace", "--trace-experts", 3)
    assert {key: row[key] for key in plain} == plain
    expected, = traced_experts(run, [row["prompt_ids"] + row["ids"]], "--model", model)
    assert len(row["experts"]) == len(expected)
    for shown, all_of_it in zip(row["experts"], expected):
        top = all_of_it[:3]
        assert [one["score"] for one in shown] == [-score for score, *_ in top]
        assert {(one["layer"], one["expert"]) for one in shown if one["score"] > -top[-1][0]} == \
            {(layer, name(expert)) for score, layer, expert in top if score < top[-1][0]}
    shown = run("generate", *options, "--trace").stdout
    assert shown.startswith(plain["text"] + "\n\n")
    marks = [line[0] for line in shown.removeprefix(plain["text"] + "\n\n").splitlines()]
    assert marks == [" "] * len(row["prompt_ids"]) + ["+"] * len(row["ids"])


def test_a_dense_model_has_no_experts_to_show(run, root):
    dense = root / "tests/fixtures/models/llama-linear"
    failed = run("generate", "--model", dense, "--ids", "/dev/stdin", "--trace", "--json", stdin="[[1, 2]]", code=2)
    assert "dense" in failed.stderr


def sliding_nll(reference, ids, context, stride):
    """The loop of transformers' guide to perplexity, with the count of scored tokens put right."""
    total = scored = previous = 0
    for begin in range(0, len(ids), stride):
        end = min(begin + context, len(ids))
        logits = reference.stages(ids[begin:end])["logits"].astype(np.float64)
        logits -= logits.max(-1, keepdims=True)
        log_probs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        for i in range(max(previous, 1), end):
            total -= log_probs[i - 1 - begin, ids[i]]
            scored += 1
        previous = end
        if end == len(ids):
            return total, scored


def test_perplexity_is_transformers(run, reference, sentences, tmp_path):
    text = " ".join(sentences[300:312])
    (tmp_path / "text.txt").write_text(text)
    ids = reference.ids(text)
    for context, stride in ((64, 32), (50, 49), (1024, 512)):
        about = json.loads(run("perplexity", *OLMOE, "--input", tmp_path / "text.txt", "--context", context, "--stride",
                               stride, "--json", "--compute", "f32").stdout)
        total, scored = sliding_nll(reference, ids, context, stride)
        assert about["scored_tokens"] == scored == len(ids) - 1 and about["tokens"] == len(ids)
        assert about["nll_mean"] == pytest.approx(total / scored, abs=1e-4)
        assert about["perplexity"] == pytest.approx(np.exp(total / scored), rel=1e-4)
        # Another formula: nats over the bytes that the scored tokens spell.
        spelled = sum(len(token) for token in reference.tokenizer.convert_ids_to_tokens(ids)[1:])
        assert about["bits_per_byte"] == pytest.approx(total / np.log(2) / spelled, abs=1e-5)
        assert about["scored_bytes"] == spelled < about["bytes"] == len(text.encode())
    for bad in (["--context", "32", "--stride", "32"], ["--context", "2000"], ["--stride", "-1"]):
        run("perplexity", "--input", tmp_path / "text.txt", *bad, code=2)


def test_perplexity_of_documents_is_their_mean_over_tokens(run, reference, sentences, tmp_path):
    texts = sentences[300:310]
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps({"body": text}) + "\n" for text in texts))
    about = json.loads(run("perplexity", *OLMOE, "--input", tmp_path / "texts.jsonl", "--field", "body", "--json",
                           "--compute", "f32").stdout)
    parts = [sliding_nll(reference, reference.ids(text), 1024, 512) for text in texts]
    os.rename(tmp_path / "texts.jsonl", tmp_path / "texts.json")
    assert json.loads(run("perplexity", *OLMOE, "--input", tmp_path / "texts.json", "--field", "body", "--json",
                          "--compute", "f32").stdout) == about
    assert about["documents"] == 10 and about["scored_tokens"] == sum(scored for _, scored in parts)
    assert about["nll_mean"] == pytest.approx(sum(total for total, _ in parts) / about["scored_tokens"], abs=1e-4)


def write_edit(path, *edits):
    path.write_text(json.dumps({"format": "expertoire.routing_edit", "version": 1, "edits": list(edits)}))
    return path


def commands(files):
    """Every command that runs the model, with its result on stdout."""
    texts = files / "texts.txt"
    return {"embed": ["embed", "--kind", "concat", "--calibration", "none", "--input", texts],
            "trace": ["trace", *OLMOE, "--input", texts], "perplexity": ["perplexity", *OLMOE, "--input", texts],
            "generate": ["generate", *OLMOE, "--ids", files / "ids.json", "--max-tokens", "8", "--json"],
            "similarity": ["similarity", "a cell", "a market"],
            "nearest": ["nearest", "--vectors", files / "v.npy", "--kind", "hidden", "--query", "a cell"],
            "demo": ["demo", "--queries", "1", "--top", "1", "--json"]}


@pytest.mark.parametrize("name", ["embed", "trace", "perplexity", "generate", "similarity", "nearest", "demo"])
def test_edit_works_wherever_the_model_runs(run, files, name):
    if name == "nearest":
        run("embed", "--input", files / "texts.txt", "--out", files / "v.npy")
    nothing = write_edit(files / "none.json")
    strong = write_edit(files / "strong.json", {"action": "reroute", "layers": "all", "experts": list(range(16))})
    command = commands(files)[name]

    def result(*options):
        out = run(*command, *options).stdout
        if name == "demo":
            rows = json.loads(out)
            return rows["neighbours"], rows["order"]
        if name not in ("trace", "generate"):
            return out
        # Without the name of the edit.
        return [{key: value for key, value in json.loads(line).items() if not key.startswith("edit")}
                for line in out.splitlines()]
    plain = result()
    assert result("--edit", nothing) == plain
    assert result("--edit", strong) != plain
    strange = write_edit(files / "strange.json", {"action": "ablate", "experts": [32]})
    run(*command, "--edit", strange, code=2)


def test_rerouted_experts_are_never_chosen_and_ablated_ones_weigh_nothing(run, files):
    gone = write_edit(files / "gone.json", {"action": "reroute", "layers": [2], "experts": [3, 4, 5]})
    stages = ["--stages", "topk_ids,topk_weights,final_norm"]
    plain = tensors(run, files, "forward", *stages)
    edited = tensors(run, files, "forward", *stages, "--edit", gone)
    assert np.isin(plain["topk_ids.2"], [3, 4, 5]).any()
    assert not np.isin(edited["topk_ids.2"], [3, 4, 5]).any()
    assert (edited["topk_ids.1"] == plain["topk_ids.1"]).all()
    off = write_edit(files / "off.json", {"action": "ablate", "layers": [2], "experts": [3, 4, 5]})
    ablated = tensors(run, files, "forward", *stages, "--edit", off)
    assert (ablated["topk_ids.2"] == plain["topk_ids.2"]).all()
    chosen = np.isin(plain["topk_ids.2"], [3, 4, 5])
    assert (ablated["topk_weights.2"][chosen] == 0).all()
    assert (ablated["topk_weights.2"][~chosen] == plain["topk_weights.2"][~chosen]).all()


def test_an_edit_is_named_in_what_it_changed(run, files):
    edit = write_edit(files / "named.json", {"action": "scale", "factor": 2, "layers": [0], "experts": [1]})
    hashes = set()
    for command in (["generate", *OLMOE, "--prompt", "a", "--max-tokens", "1", "--json"], ["similarity", "a", "b", "--json"],
                    ["trace", *OLMOE, "--ids", files / "ids.json"], ["demo", "--queries", "1", "--top", "1", "--json"],
                    ["bench", "--case", "1x12", "--runs", "1", "--json"]):
        for line in run(*command, "--edit", edit).stdout.splitlines():
            about = json.loads(line)
            assert about["edit"] == str(edit)
            hashes.add(about["edit_hash"])
        assert "edit" not in json.loads(run(*command).stdout.splitlines()[0])
    for command in ("trace", "forward"):
        out = files / f"named-{command}.safetensors"
        run(command, *OLMOE, "--ids", files / "ids.json", "--out", out, "--edit", edit)
        with safe_open(out, "numpy") as file:
            hashes.add(file.metadata()["edit_hash"])
    run("embed", "--input", files / "texts.txt", "--out", files / "named.npy", "--edit", edit)
    hashes.add(json.loads((files / "named.npy.meta.json").read_text())["edit_hash"])
    nearest = run("nearest", "--vectors", files / "named.npy", "--query", "a", "--top", "1", "--json").stdout
    hashes.add(json.loads(nearest)["edit_hash"])  # the query is embedded under the file's edit
    assert len(hashes) == 1 and len(hashes.pop()) == 16


def test_calibrate_under_an_edit_says_so(run, files):
    edit = write_edit(files / "some.json", {"action": "scale", "factor": 2, "layers": [0], "experts": [1]})
    for name, options in (("plain", []), ("edited", ["--edit", edit])):
        run("calibrate", "--input", files / "texts.txt", "--prompt", "none", "--out", files / f"{name}.safetensors",
            *options)
    assert not np.array_equal(load_file(files / "plain.safetensors")["none/hidden.mean"],
                              load_file(files / "edited.safetensors")["none/hidden.mean"])
    with safe_open(files / "edited.safetensors", "numpy") as file:
        assert file.metadata()["edit"] == str(edit)
