#!/usr/bin/env python3
"""Writes a slice of a real MoE model: true layer shapes, few layers, random bf16 weights.

  make_slice.py olmoe|qwen2_moe|monet_vd|monet_hd --out FOLDER [--layers 2] [--tokenizer FOLDER]

The text that it would produce is noise; its speed is not. Every tensor has a random stream of its
own, keyed by its name, so the file is the same on every machine. Routers are wide enough that
experts are chosen about as unevenly as in a trained model; Monet's statistics are those of its
random logits, so that about moe_topk keys survive. --tokenizer copies a tokenizer.json
along, which llama.cpp's converter wants. Needs the venv of scripts/python_env.
"""

import argparse
import hashlib
import json
import os
import shutil

import torch
from safetensors.torch import save_file

COMMON = {"hidden_size": 2048, "num_attention_heads": 16, "num_key_value_heads": 16,
          "hidden_act": "silu", "norm_topk_prob": False, "tie_word_embeddings": False,
          "torch_dtype": "bfloat16"}
FAMILIES = {  # the published config.json of OLMoE-1B-7B-0924 and Qwen1.5-MoE-A2.7B
    "olmoe": {"architectures": ["OlmoeForCausalLM"], "model_type": "olmoe", "vocab_size": 50304,
              "intermediate_size": 1024, "num_experts": 64, "num_experts_per_tok": 8,
              "max_position_embeddings": 4096, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
              "attention_bias": False, "bos_token_id": None, "eos_token_id": 50279,
              "pad_token_id": 1},
    "qwen2_moe": {"architectures": ["Qwen2MoeForCausalLM"], "model_type": "qwen2_moe",
                  "vocab_size": 151936, "intermediate_size": 5632, "moe_intermediate_size": 1408,
                  "shared_expert_intermediate_size": 5632, "num_experts": 60,
                  "num_experts_per_tok": 4, "max_position_embeddings": 8192, "rms_norm_eps": 1e-6,
                  "rope_theta": 1000000.0, "decoder_sparse_step": 1, "mlp_only_layers": [],
                  "use_sliding_window": False, "bos_token_id": 151643, "eos_token_id": 151643},
}
for kind, decompose in (("vd", "vertical"), ("hd", "horizontal")):  # Monet-1.4B, table 6 of the paper
    FAMILIES[f"monet_{kind}"] = {
        "architectures": ["MonetForCausalLM"], "model_type": "monet", "vocab_size": 32000,
        "hidden_act": "relu2", "max_position_embeddings": 2048, "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0, "moe_decompose": decompose, "moe_experts": 512, "moe_topk": 32,
        "moe_heads": 8, "moe_dim": 16, "moe_groups": 4, "bos_token_id": 1, "eos_token_id": 2}
INIT, EMBED, ROUTER = 0.02, 0.5, 1.2 / 2048 ** 0.5  # standard deviations
COMMON_SHARE = 0.2  # of every token's embedding: makes some experts steadily more popular


def mlp(prefix, hidden, width):
    return {f"{prefix}.gate_proj.weight": ([width, hidden], INIT),
            f"{prefix}.up_proj.weight": ([width, hidden], INIT),
            f"{prefix}.down_proj.weight": ([hidden, width], INIT / 2)}


def monet(config, p, index):
    hidden, keys, heads = config["hidden_size"], config["moe_experts"], config["moe_heads"]
    vertical = config["moe_decompose"] == "vertical"
    width = keys * config["moe_dim"] // (2 if vertical else 1)
    out = hidden // (2 if vertical else 1)
    tensors = {}
    for u in ("u1", "u2") if vertical else ("u",):
        tensors |= {f"{p}.moe.{u}.weight": ([width, hidden], INIT), f"{p}.moe.{u}.bias": ([width], INIT)}
    for v in ("v11", "v12", "v21", "v22") if vertical else ("v",):
        tensors[f"{p}.moe.{v}.weight"] = ([out, width], INIT / 2)
    for b in ("b1", "b2") if vertical else ("b",):
        tensors[f"{p}.moe.{b}"] = ([keys, out], INIT)
    for side in (1, 2) if index % config["moe_groups"] == 0 else ():
        tensors[f"{p}.router.w{side}.weight"] = ([heads * keys, hidden], INIT)
        tensors[f"{p}.router.norm{side}.running_mean"] = ([heads], {"value": 0.0})
        tensors[f"{p}.router.norm{side}.running_var"] = ([heads], {"value": INIT**2 * hidden})
    return tensors


def layer(config, index):
    hidden, p = config["hidden_size"], f"model.layers.{index}"
    tensors = {f"{p}.input_layernorm.weight": ([hidden], 0),
               f"{p}.post_attention_layernorm.weight": ([hidden], 0)}
    for name in "qkvo":
        tensors[f"{p}.self_attn.{name}_proj.weight"] = ([hidden, hidden], INIT)
    if config["model_type"] == "monet":
        return tensors | monet(config, p, index)
    tensors[f"{p}.mlp.gate.weight"] = ([config["num_experts"], hidden], ROUTER)
    if config["model_type"] == "olmoe":
        tensors |= {f"{p}.self_attn.{name}_norm.weight": ([hidden], 0) for name in "qk"}
    else:
        tensors |= {f"{p}.self_attn.{name}_proj.bias": ([hidden], INIT) for name in "qkv"}
        tensors |= mlp(f"{p}.mlp.shared_expert", hidden, config["shared_expert_intermediate_size"])
        tensors[f"{p}.mlp.shared_expert_gate.weight"] = ([1, hidden], INIT)
    width = config.get("moe_intermediate_size", config["intermediate_size"])
    for expert in range(config["num_experts"]):
        tensors |= mlp(f"{p}.mlp.experts.{expert}", hidden, width)
    return tensors


def draw(name, shape, std):
    if isinstance(std, dict):
        return torch.full(shape, std["value"])
    if std == 0:
        return torch.ones(shape, dtype=torch.bfloat16)
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little") >> 1
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(shape, generator=generator) * std
    if name == "model.embed_tokens.weight":
        values += torch.randn(shape[1], generator=generator) * (std * COMMON_SHARE)
    return values.bfloat16()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("family", choices=sorted(FAMILIES))
    parser.add_argument("--out", required=True)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--tokenizer")
    arguments = parser.parse_args()
    config = COMMON | FAMILIES[arguments.family] | {"num_hidden_layers": arguments.layers}
    table = [config["vocab_size"], config["hidden_size"]]
    tensors = {"model.embed_tokens.weight": (table, EMBED), "lm_head.weight": (table, INIT),
               "model.norm.weight": ([config["hidden_size"]], 0)}
    for index in range(arguments.layers):
        tensors |= layer(config, index)
    os.makedirs(arguments.out, exist_ok=True)
    weights = {name: draw(name, *how) for name, how in tensors.items()}
    save_file(weights, os.path.join(arguments.out, "model.safetensors"), {"format": "pt"})
    with open(os.path.join(arguments.out, "config.json"), "w") as file:
        json.dump(config, file, indent=1)
    if arguments.tokenizer:
        for name in ("tokenizer.json", "tokenizer_config.json"):
            source = os.path.join(arguments.tokenizer, name)
            if os.path.exists(source):
                shutil.copy(source, arguments.out)


if __name__ == "__main__":
    main()
