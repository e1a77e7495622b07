"""embed, calibrate, similarity, nearest, tokenize and detokenize do what they say."""

import json
import shutil

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

DIMENSIONS = {"hidden": 192, "routing": 192, "concat": 384, "sum": 384}


@pytest.fixture(scope="module")
def texts(sentences):
    return sentences[100:130]


@pytest.fixture(scope="module")
def embed(run, texts, tmp_path_factory):
    """embed(*options): the matrix of the texts (f32 unless said otherwise)."""
    folder = tmp_path_factory.mktemp("embed")
    source = folder / "texts.txt"
    source.write_text("".join(text + "\n" for text in texts), encoding="utf-8")

    def call(*options, code=0):
        out = folder / "out.npy"
        out.unlink(missing_ok=True)
        compute = [] if "--compute" in options else ["--compute", "f32"]
        run("embed", "--input", source, "--out", out, *options, *compute, code=code)
        return np.load(out) if code == 0 else None
    call.folder = folder
    call.source = source
    return call


@pytest.mark.parametrize("kind", DIMENSIONS)
def test_kinds(embed, texts, kind):
    assert embed("--kind", kind).shape == (len(texts), DIMENSIONS[kind])


def unit(rows):
    return rows / np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)


def test_sum_is_both_parts_and_alpha_weighs_routing(embed):
    hidden, routing = embed("--kind", "hidden"), embed("--kind", "routing")
    for alpha in ("0", "1", "0.25"):
        expected = np.concatenate([unit(hidden), np.sqrt(float(alpha)) * unit(routing)], axis=1)
        assert np.abs(embed("--kind", "sum", "--alpha", alpha) - expected).max() < 1e-6
    embed("--kind", "sum", "--alpha", "-1", code=2)


def test_calibration_choices(embed, root):
    hidden, routing = embed("--kind", "hidden"), embed("--kind", "routing")
    shipped = root / "models/olmoe-small/calibration.safetensors"
    moments = load_file(shipped)

    def z(rows, part):
        return (rows - moments[f"none/{part}.mean"]) / (moments[f"none/{part}.std"] + 1e-8)

    def batch(rows):
        rows = rows.astype(np.float64)
        return (rows - rows.mean(0)) / (rows.std(0, ddof=1) + 1e-8)
    raw = np.concatenate([hidden, routing], axis=1)
    assert (embed("--kind", "concat", "--calibration", "none") == raw).all()
    fitted = np.concatenate([z(hidden, "hidden"), z(routing, "routing")], axis=1)
    assert np.allclose(embed("--kind", "concat"), fitted, atol=1e-5)
    assert np.allclose(embed("--kind", "hidden", "--calibration", shipped), z(hidden, "hidden"), atol=1e-5)
    assert np.allclose(embed("--kind", "sum", "--calibration", shipped),
                       np.concatenate([unit(z(hidden, "hidden")), unit(z(routing, "routing"))], axis=1), atol=1e-6)
    assert np.allclose(embed("--kind", "routing", "--calibration", "batch"), batch(routing), atol=1e-4)
    halves = np.concatenate([batch(routing[:16]), batch(routing[16:])])
    assert np.allclose(embed("--kind", "routing", "--calibration", "batch", "--calibration-batch", "16"),
                       halves, atol=1e-4)


def test_metadata_says_what_was_applied(embed):
    embed("--kind", "concat", "--prompt", "quoted")
    about = json.loads((embed.folder / "out.npy.meta.json").read_text())
    assert about["kind"] == "concat" and about["prompt"] == "quoted" and about["rows"] == 30
    assert about["dim"] == 384 and about["model"] == "olmoe-small" and about["compute"] == "f32"
    assert about["calibration"].endswith("calibration.safetensors")
    assert about["calibration_metadata"]["corpus"].startswith("2,000 OpenStax")
    embed("--kind", "concat", "--calibration", "none")
    assert json.loads((embed.folder / "out.npy.meta.json").read_text())["calibration"] == "none"


def test_own_template_and_pooling(embed):
    plain = embed()
    assert (embed("--prompt", "{text}") == plain).all()
    assert (embed("--prompt", "Consider: {text}") != plain).any()
    assert (embed("--pooling", "mean") != plain).any()
    assert (embed("--hidden-layers", "all") != plain).any()
    last = embed("--kind", "routing", "--routing-layers", "last")
    assert (last == embed("--kind", "routing")[:, -32:]).all()
    probs = embed("--kind", "routing", "--routing-stage", "probs").reshape(30, 6, 32)
    assert np.allclose(probs.sum(-1), 1, atol=1e-5)


def test_threads_and_batches_do_not_change_a_bit(embed):
    for compute in ("f32", "bf16"):
        first = embed("--kind", "sum", "--compute", compute, "--threads", "1", "--batch-tokens", "1")
        second = embed("--kind", "sum", "--compute", compute, "--threads", "2", "--batch-tokens", "4096")
        assert (first == second).all()


def test_inputs(run, embed, texts):
    expected = run("embed", "--input", embed.source).stdout
    assert len(expected.splitlines()) == len(texts)
    named = embed.folder / "named.jsonl"
    named.write_text("".join(json.dumps({"body": text, "text": "x"}) + "\n" for text in texts))
    assert run("embed", "--input", named, "--field", "body").stdout == expected
    assert run("embed", "--input", "-", stdin=embed.source.read_text()).stdout == expected
    assert run("embed", stdin=named.read_text(), *["--field", "body"]).stdout == expected
    assert run("embed", stdin="\n \n" + named.read_text(), *["--field", "body"]).stdout == expected
    blank = run("embed", stdin="\n\n" + embed.source.read_text(), *["--prompt", "quoted"]).stdout
    assert len(blank.splitlines()) == len(texts) + 2  # of plain text, empty lines are texts
    windows = embed.folder / "windows.txt"
    windows.write_bytes(b"\xef\xbb\xbf" + embed.source.read_bytes().replace(b"\n", b"\r\n"))
    assert run("embed", "--input", windows).stdout == expected


def test_too_long_a_text_is_cut_only_when_asked(run, embed):
    long = embed.folder / "long.txt"
    long.write_text("first " * 1200 + "last " * 1200 + "\n")
    run("embed", "--input", long, code=6)
    left, right = (run("embed", "--input", long, "--truncate", side).stdout for side in ("left", "right"))
    assert left != right


def test_resume_of_a_finished_run_starts_over_and_gives_the_same(run, embed):
    first = embed("--kind", "hidden")
    assert (embed("--kind", "hidden", "--resume") == first).all()
    run("embed", "--input", embed.source, "--out", "-", "--resume", code=2)


def test_similarity_and_nearest_are_numpys(run, embed, texts):
    for kind in ("hidden", "routing", "sum", "concat"):
        rows = embed("--kind", kind).astype(np.float64)
        scores = rows @ rows[3] if kind == "sum" else unit(rows) @ unit(rows)[3]
        two = ["--kind", kind, "--compute", "f32", "--json"]
        got = json.loads(run("similarity", texts[3], texts[7], *two).stdout)
        assert got == {"kind": kind, "similarity": pytest.approx(scores[7], abs=1e-6)}
        order = np.argsort(-scores, kind="stable")[:5].tolist()
        for query in (["--row", "3"], ["--query", texts[3]]):
            lines = run("nearest", "--vectors", embed.folder / "out.npy", *query, "--top", "5", "--texts",
                        embed.source, *two).stdout.splitlines()
            found = [json.loads(line) for line in lines]
            assert [row["row"] for row in found] == order
            assert [row["text"] for row in found] == [texts[i] for i in order]
            assert [row["score"] for row in found] == pytest.approx(scores[order].tolist(), abs=1e-6)
    np.save(embed.folder / "theirs.npy", np.eye(4, dtype=np.float32))
    lines = run("nearest", "--vectors", embed.folder / "theirs.npy", "--row", "2", "--top", "1").stdout
    assert lines.split()[:2] == ["1.0000", "2"]
    run("nearest", "--vectors", embed.folder / "theirs.npy", "--row", "4", code=2)
    run("nearest", "--vectors", embed.folder / "theirs.npy", "--query", "text", code=2)


def test_nearest_embeds_the_query_as_the_file_was_made(run, embed, texts):
    """Its .meta.json knows kind, prompt, alpha, compute and the like."""
    vectors = embed.folder / "out.npy"
    made = ["--kind", "sum", "--prompt", "quoted", "--alpha", "0.5", "--pooling", "mean"]
    rows = embed(*made).astype(np.float64)
    best = json.loads(run("nearest", "--vectors", vectors, "--query", texts[3], "--top", "1", "--json").stdout)
    assert best == {"row": 3, "score": pytest.approx(rows[3] @ rows[3], abs=1e-6), "text": ""}
    assert run("nearest", "--vectors", vectors, "--row", "3", "--top", "1").stdout.split()[:2] == ["1.5000", "3"]
    run("nearest", "--vectors", vectors, "--query", "a", *made, "--compute", "bf16")
    for option, value in (("--kind", "hidden"), ("--prompt", "none"), ("--alpha", "1"), ("--pooling", "last")):
        told = run("nearest", "--vectors", vectors, "--query", "a", option, value, code=2).stderr
        assert option in told and "metadata" in told
    embed("--kind", "hidden")
    best = json.loads(run("nearest", "--vectors", vectors, "--query", texts[3], "--top", "1", "--json").stdout)
    assert best["score"] == pytest.approx(1, abs=1e-6)  # a cosine


def test_nearest_refuses_metadata_of_something_else(run, embed, root):
    embed("--kind", "hidden")
    vectors, meta = embed.folder / "out.npy", embed.folder / "out.npy.meta.json"
    about = json.loads(meta.read_text())
    edit = embed.folder / "edit.json"
    edit.write_text(json.dumps({"format": "expertoire.routing_edit", "version": 1, "edits": []}))
    for change, code in (({"rows": 31}, 4), ({"kind": 7}, 4), ({"config_hash": "0" * 16}, 2),
                         ({"weights_hash": "0" * 16}, 2), ({"edit": str(edit), "edit_hash": "0" * 16}, 2),
                         ({"edit": str(edit), "edit_hash": None}, 4)):
        meta.write_text(json.dumps({**about, **change}))
        run("nearest", "--vectors", vectors, "--query", "a", code=code)
    meta.unlink()
    run("nearest", "--vectors", vectors, "--query", "a")
    run("nearest", "--vectors", vectors, "--query", "a", "--row", "1", code=2)


def test_similarity_takes_the_kind_that_embed_takes(run, embed, texts):
    rows = unit(embed())
    assert float(run("similarity", texts[0], texts[1], "--compute", "f32").stdout) == \
        pytest.approx(rows[0] @ rows[1], abs=1e-5)


def test_calibrate_is_numpys_mean_and_spread(run, embed):
    out = embed.folder / "fitted.safetensors"
    run("calibrate", "--input", embed.source, "--prompt", "none", "--prompt", "quoted", "--compute", "f32",
        "--corpus-name", "thirty", "--out", out)
    moments = load_file(out)
    assert len(moments) == 8
    for prompt in ("none", "quoted"):
        for part in ("hidden", "routing"):
            rows = embed("--kind", part, "--prompt", prompt).astype(np.float64)
            assert np.allclose(moments[f"{prompt}/{part}.mean"], rows.mean(0), atol=1e-6)
            assert np.allclose(moments[f"{prompt}/{part}.std"], rows.std(0, ddof=1), atol=1e-6)
    with safe_open(out, "numpy") as file:
        assert file.metadata()["corpus"] == "thirty" and file.metadata()["texts"] == "30"
    embed("--kind", "concat", "--prompt", "style", "--calibration", out, code=2)
    embed("--kind", "concat", "--pooling", "mean", "--calibration", out, code=2)


def test_a_calibration_of_another_model_or_edit_is_refused(run, embed, root, tmp_path):
    def fitted(name, *options):
        out = tmp_path / name
        run("calibrate", "--input", embed.source, "--prompt", "none", "--compute", "f32", "--out", out, *options)
        return out
    edit = tmp_path / "edit.json"
    edit.write_text(json.dumps({"format": "expertoire.routing_edit", "version": 1,
                                "edits": [{"action": "ablate", "layers": [0], "experts": [1]}]}))
    plain, edited = fitted("plain.safetensors"), fitted("edited.safetensors", "--edit", edit)
    embed("--kind", "concat", "--calibration", plain)
    embed("--kind", "concat", "--calibration", edited, "--edit", edit)
    embed("--kind", "concat", "--calibration", plain, "--edit", edit, code=2)
    embed("--kind", "concat", "--edit", edit, code=2)  # the one that ships
    embed("--kind", "concat", "--calibration", edited, code=2)
    other = tmp_path / "other"
    shutil.copytree(root / "models/olmoe-small", other)
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "rope_theta": 5000.0}))
    embed("--kind", "concat", "--calibration", plain, "--model", other, code=2)
    of_other = fitted("of_other.safetensors", "--model", other)
    embed("--kind", "concat", "--calibration", of_other, "--model", other)


def test_calibrate_needs_a_corpus_that_can_be_read_again(run, embed):
    told = run("calibrate", "--input", "/dev/stdin", "--out", embed.folder / "o.safetensors", stdin="a\nb\n",
               code=2).stderr
    assert "read more than once" in told


def test_the_calibration_that_ships_can_be_made_again(run, root, tmp_path):
    out = tmp_path / "again.safetensors"
    run("calibrate", "--input", root / "data/calibration/openstax.jsonl", "--prompt", "none", "--compute", "bf16",
        "--out", out)
    shipped, again = (safe_open(path, "numpy") for path in
                      (root / "models/olmoe-small/calibration.safetensors", out))
    for key in ("corpus_hash", "config_hash", "texts", "compute"):
        assert shipped.metadata()[key] == again.metadata()[key]
    same_kernels = shipped.metadata()["simd"] == again.metadata()["simd"]
    for name in again.keys():
        spread = shipped.get_tensor(name.replace(".mean", ".std"))
        # Other kernels round bf16 products otherwise, which flips a few choices of experts.
        bound = 0 if same_kernels else 0.02 * spread
        assert (np.abs(again.get_tensor(name) - shipped.get_tensor(name)) <= bound).all(), name


def test_tokenize_and_detokenize(run, reference, embed, texts, root):
    plain = run("tokenize", "--input", embed.source, "--json").stdout
    assert [json.loads(line) for line in plain.splitlines()] == [{"ids": reference.ids(text)} for text in texts]
    back = run("detokenize", stdin=plain).stdout
    assert back == embed.source.read_text()
    back = run("detokenize", "--json", stdin=plain).stdout
    assert [json.loads(line)["text"] for line in back.splitlines()] == texts
    assert run("detokenize", stdin="[0, 17, 18]\n", *["--skip-special"]).stdout == \
        reference.tokenizer.decode([17, 18]) + "\n"
    llama = root / "tests/fixtures/tokenizers/llama2"
    for place in (llama, llama / "tokenizer.json"):
        with_bos = json.loads(run("tokenize", "--tokenizer", place, "--json", stdin="a cat\n").stdout)["ids"]
        without = run("tokenize", "--tokenizer", place, "--json", "--no-special", stdin="a cat\n").stdout
        assert with_bos == [1] + json.loads(without)["ids"]
    lines = run("tokenize", "--tokenizer", llama, "--json", stdin="one\n\nthree\n").stdout.splitlines()
    assert len(lines) == 3 and json.loads(lines[1]) == {"ids": [1]}
    human = run("tokenize", stdin="cat\n").stdout
    assert human.split()[1] == reference.tokenizer.convert_ids_to_tokens(reference.ids("cat"))[0]
    run("detokenize", stdin="[8192]\n", code=2)
    run("detokenize", stdin="[1, 2\n", code=4)
