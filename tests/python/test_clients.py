"""Others' clients open what the program writes, and others' code computes the same numbers."""

import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

LAYERS, EXPERTS, HIDDEN, VOCAB = 6, 32, 192, 8192
PROMPTS = ["none", "quoted", "prompteol"]


def write_jsonl(path, texts):
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def paragraphs(reference, sentences):
    """A hundred of 60 to 150 tokens: sentences of one subject, joined."""
    with_subject, found = {}, []
    for i, sentence in enumerate(sentences):
        text = with_subject.pop(i % 28, "")
        text = f"{text} {sentence}".strip()
        length = len(reference.ids(text))
        if length < 60:
            with_subject[i % 28] = text
        elif length <= 150:
            found.append(text)
    assert len(found) >= 100
    return found[:100]


def forward(run, tmp_path, sequences, stages, compute):
    (tmp_path / "ids.json").write_text(json.dumps(sequences))
    out = tmp_path / f"{compute}.safetensors"
    run("forward", "--ids", tmp_path / "ids.json", "--stages", stages, "--compute", compute,
        "--out", out)
    return load_file(out)


def test_tokenization_is_auto_tokenizers(run, reference, paragraphs, tmp_path):
    from oracle.texts import HARD
    texts = paragraphs + [text for text in HARD if text]
    out = run("tokenize", "--input", write_jsonl(tmp_path / "texts.jsonl", texts), "--field", "text",
              "--json").stdout
    found = [json.loads(line)["ids"] for line in out.splitlines()]
    assert found == [reference.ids(text) for text in texts]


def flips(found, expected):
    """Tokens that cannot be compared: those with other experts in some layer than the reference
    has, where its two candidates must be nearly equal, and all that follow in the sequence."""
    flipped = np.zeros(len(expected["final_norm"]), bool)
    for layer in range(LAYERS):
        ours, theirs = (np.sort(stages[f"topk_ids.{layer}"]) for stages in (found, expected))
        differs = (ours != theirs).any(-1)
        first = differs & ~flipped
        ordered = -np.sort(-expected[f"router_logits.{layer}"][first])
        assert (ordered[:, 3] - ordered[:, 4] < 2e-5).all()
        flipped = np.maximum.accumulate(flipped | differs)
    return flipped


def test_f32_stages_of_a_hundred_paragraphs(run, reference, paragraphs, tmp_path):
    stages = "hidden_states,final_norm,logits,router_logits,router_probs,topk_ids,topk_weights"
    kept_tokens = tokens = 0
    for first in range(0, 100, 20):
        sequences = [reference.ids(text) for text in paragraphs[first:first + 20]]
        found = forward(run, tmp_path, sequences, stages, "f32")
        at = 0
        for ids in sequences:
            expected = reference.stages(ids)
            rows = {name: tensor[at:at + len(ids)] for name, tensor in found.items()}
            at += len(ids)
            good = ~flips(rows, expected)
            tokens += len(ids)
            kept_tokens += good.sum()
            for name, want in expected.items():
                assert rows[name].shape == want.shape, name
                absolute = name.startswith(("router_probs", "topk_weights"))
                bound = 1e-5 if absolute else 1e-5 * np.abs(want).max()
                if not name.startswith("topk_ids"):
                    assert np.abs(rows[name] - want)[good].max() <= bound, name
    assert kept_tokens > 0.98 * tokens


def test_bf16_is_no_further_from_f32_than_transformers_own_bf16(run, reference, paragraphs, tmp_path):
    import torch
    from transformers import AutoModelForCausalLM
    theirs = AutoModelForCausalLM.from_pretrained(
        reference.model.name_or_path, dtype=torch.bfloat16, attn_implementation="eager",
        experts_implementation="eager").eval()
    squares = {"ours": 0.0, "theirs": 0.0}
    means = {"ours": 0.0, "theirs": 0.0}
    for first in range(0, 100, 20):
        sequences = [reference.ids(text) for text in paragraphs[first:first + 20]]
        ours = forward(run, tmp_path, sequences, "logits", "bf16")["logits"]
        with torch.no_grad():
            other = np.concatenate([theirs(torch.tensor([ids])).logits[0].float().numpy()
                                    for ids in sequences])
        want = np.concatenate([reference.stages(ids)["logits"] for ids in sequences])
        for name, got in (("ours", ours), ("theirs", other)):
            squares[name] += float(np.square(got - want, dtype=np.float64).mean())
            means[name] += float(np.abs(got - want).mean())
    assert 0 < squares["ours"] ** 0.5 <= 1.5 * squares["theirs"] ** 0.5, squares
    assert 0 < means["ours"] <= 1.5 * means["theirs"], means


def embed(run, tmp_path, texts, kind, prompt, suffix="npy", *options):
    out = tmp_path / f"{kind}-{prompt}.{suffix}"
    run("embed", "--kind", kind, "--prompt", prompt, "--input",
        write_jsonl(tmp_path / "texts.jsonl", texts), "--out", out, "--compute", "f32", *options)
    return out


@pytest.mark.parametrize("prompt", PROMPTS)
def test_embeddings_are_transformers_last_token(run, reference, sentences, prompt, tmp_path):
    from oracle.moee import TEMPLATES, prompted
    texts = sentences[:24] + ['She said "wait" and left', "snake_case, no full stop"]
    template = {"quoted": "none", "prompteol": "prompteol"}.get(prompt)
    hidden, routing = [], []
    for text in texts:
        stages = reference.stages(
            reference.ids(prompted(TEMPLATES[template], text) if template else text))
        hidden.append(stages["final_norm"][-1])
        routing.append(np.concatenate([stages[f"router_logits.{i}"][-1] for i in range(LAYERS)]))
    found = np.load(embed(run, tmp_path, texts, "hidden", prompt))
    assert np.abs(found - hidden).max() <= 3e-5
    found = np.load(embed(run, tmp_path, texts, "routing", prompt))
    assert np.abs(found - routing).max() <= 3e-5


def test_npy_jsonl_f32_and_stdout_hold_the_same(run, sentences, tmp_path):
    texts = sentences[:40]
    matrix = np.load(embed(run, tmp_path, texts, "sum", "prompteol"))
    assert matrix.shape == (40, HIDDEN + LAYERS * EXPERTS) and matrix.dtype == np.dtype("<f4")
    assert matrix.flags["C_CONTIGUOUS"]
    lines = embed(run, tmp_path, texts, "sum", "prompteol", "jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["index"] for row in rows] == list(range(40))
    assert (np.array([row["embedding"] for row in rows], np.float32) == matrix).all()
    raw = np.fromfile(embed(run, tmp_path, texts, "sum", "prompteol", "f32"), "<f4")
    assert (raw.reshape(matrix.shape) == matrix).all()
    out = run("embed", "--kind", "sum", "--prompt", "prompteol", "--compute", "f32", "--input",
              tmp_path / "texts.jsonl", "--out", "-").stdout
    assert out.splitlines() == lines


def test_safetensors_opens_what_forward_and_calibrate_write(run, reference, sentences, tmp_path):
    (tmp_path / "ids.json").write_text(json.dumps([[1, 2, 3], [4]]))
    out = tmp_path / "o.safetensors"
    run("forward", "--ids", tmp_path / "ids.json", "--stages", "final_norm,topk_ids", "--out", out)
    with safe_open(out, "numpy") as file:
        assert set(file.keys()) == {"final_norm"} | {f"topk_ids.{i}" for i in range(LAYERS)}
        assert file.get_tensor("final_norm").shape == (4, HIDDEN)
        assert file.get_tensor("topk_ids.0").dtype == np.int32
        assert file.metadata()["model"] == "olmoe-small"
    write_jsonl(tmp_path / "corpus.jsonl", sentences[:5])
    fitted = tmp_path / "calibration.safetensors"
    run("calibrate", "--input", tmp_path / "corpus.jsonl", "--prompt", "none", "--out", fitted)
    with safe_open(fitted, "numpy") as file:
        assert set(file.keys()) == {f"none/{part}.{moment}" for part in ("hidden", "routing")
                                    for moment in ("mean", "std")}
        assert file.get_tensor("none/routing.std").shape == (LAYERS * EXPERTS,)
