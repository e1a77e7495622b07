"""Embeddings as the MoEE paper defines them (arXiv 2410.10814), from the reference's last token."""

import json
import os
import shutil

import numpy as np
import torch
from safetensors.numpy import save_file

from oracle import bpe, models, outputs

MIN_ROUTING_GAP = 1e-4
TEMPLATES = {"none": '"*sent 0*"', "prompteol": 'This sentence : "*sent 0*" means in one word:"'}
OWN = ['She said "wait" and left', "snake_case_names have underscores", "  Spaces around it?  ", "Ends in a 'quote'"]
VOCAB = 528  # rows of the embedding; a few more than tokens, like the real ones

SPECS = [
    models.Spec("olmoe", "olmoe",
                {"vocab_size": VOCAB, "num_hidden_layers": 3, "num_experts": 6,
                 "num_experts_per_tok": 2, "intermediate_size": 16, "clip_qkv": None,
                 "norm_topk_prob": False, "attention_bias": False, "tie_word_embeddings": True}),
    models.Spec("deepseek", "deepseek",
                {"vocab_size": VOCAB, "num_hidden_layers": 3, "first_k_dense_replace": 1,
                 "moe_layer_freq": 1, "n_routed_experts": 6, "n_shared_experts": 1,
                 "num_experts_per_tok": 2, "moe_intermediate_size": 16, "norm_topk_prob": False,
                 "scoring_func": "softmax", "attention_bias": False, "tie_word_embeddings": True}),
]
TOKENIZER = {"olmoe": "gpt2", "deepseek": "deepseek"}


def sentences(root):
    """Four of OpenStax as they are, and four of our own that the clean-up changes."""
    with open(f"{root}/data/demo/openstax.jsonl", encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines][::90] + OWN


def prompted(template, sentence):
    """The clean-up of the paper's code, in its order."""
    if sentence[-1] not in ".?!\"'":
        sentence += "."
    sentence = sentence.replace('"', "'")
    return template.replace("*sent 0*", sentence).replace("_", " ").strip()


def prompt_rows(tokenizer, bos, root):
    return [{"template": name, "i": i, "sentence": sentence, "prompt": text,
             "ids": bos + tokenizer.encode(text).ids}
            for name, template in TEMPLATES.items()
            for i, sentence in enumerate(sentences(root))
            for text in [prompted(template, sentence)]]


def z_score(values):
    values = values.astype(np.float64)
    return (values - values.mean(0)) / (values.std(0, ddof=1) + 1e-8)


def cosines(values):
    unit = values.astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    return unit @ unit.T


def vectors(runs, probabilities):
    """All arrays of one template; `runs`: the stages of each prompt, whose last token counts."""
    def side_by_side(stage):
        return np.stack([np.concatenate([kept[name][-1].numpy() for name in sorted(kept)
                                         if name.startswith(stage)]) for kept in runs])
    hs = np.stack([kept["final_norm"][-1].numpy() for kept in runs])
    probs = side_by_side("router_probs")
    rw = probs if probabilities else side_by_side("router_logits")
    arrays = {"hs": hs, "rw": rw, "rw_probs": probs, "hs_z": z_score(hs), "rw_z": z_score(rw),
              "concat": np.concatenate([z_score(hs), z_score(rw)], axis=1),
              "sum": cosines(hs) + cosines(rw)}
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def attempt(spec, seed, folder, rows):
    """The arrays of all templates, or None when some token's routing is nearly a tie."""
    model = models.build(spec, seed, folder)
    stages = outputs.Stages(model)
    arrays = {}
    for name in TEMPLATES:
        runs = [outputs.run(model, stages, row["ids"]) for row in rows if row["template"] == name]
        if min(outputs.routing_gap(kept, 2) for kept in runs) < MIN_ROUTING_GAP:
            return None
        # DeepSeek's modelling file of the paper hands out probabilities.
        found = vectors(runs, spec.model_type == "deepseek")
        arrays |= {f"{name}.{key}": np.ascontiguousarray(value) for key, value in found.items()}
    return arrays


def make(spec, training, root, out):
    folder = os.path.join(out, spec.name)
    tokenizer, config = bpe.MAKERS[TOKENIZER[spec.name]](training)
    assert tokenizer.get_vocab_size() <= VOCAB
    bos = [tokenizer.token_to_id(config["bos_token"])] if config.get("add_bos_token") else []
    rows = prompt_rows(tokenizer, bos, root)
    for seed in range(1000):
        shutil.rmtree(folder, ignore_errors=True)
        arrays = attempt(spec, seed, folder, rows)
        if arrays:
            break
    else:
        raise RuntimeError(f"{spec.name}: no seed without near ties")
    bpe.save(tokenizer, config, folder)
    with open(os.path.join(folder, "prompts.jsonl"), "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row) + "\n")
    save_file(arrays, os.path.join(folder, "moee.safetensors"), {"seed": str(seed)})
    size = sum(entry.stat().st_size for entry in os.scandir(folder))
    print(f"moee {spec.name}: seed {seed}, {size / 1000:.0f} KB, "
          f"{sum(len(row['ids']) for row in rows)} tokens", flush=True)
