"""Random checkpoints in the layout of the Hub, and the reference model that runs them."""

import json
import os
import tempfile

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM


def write_config(folder, config):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file, indent=1, sort_keys=True)
        file.write("\n")


def shapes(config):
    """Names and shapes of the tensors that transformers itself writes for a configuration."""
    with tempfile.TemporaryDirectory() as folder:
        write_config(folder, config)
        AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder)).save_pretrained(folder)
        return {name: tuple(tensor.shape)
                for name, tensor in load_file(os.path.join(folder, "model.safetensors")).items()}


def draw(rng, name, shape, tied):
    """A value for every tensor, wide enough that each part of the model matters."""
    noise = rng.standard_normal(shape)
    if len(shape) == 1:
        return 0.2 * noise if name.endswith(".bias") else 1 + 0.2 * noise
    if "embed_tokens" in name:
        return (0.1 if tied else 0.8) * noise
    router = name.endswith((".mlp.gate.weight", ".block_sparse_moe.gate.weight"))
    return (2.0 if router else 1.2) / np.sqrt(shape[-1]) * noise


def random_weights(config, seed, dtype):
    rng = np.random.default_rng(seed)
    tied = config["tie_word_embeddings"]
    return {name: torch.from_numpy(draw(rng, name, shape, tied)).to(dtype)
            for name, shape in sorted(shapes(config).items())}


def save_weights(folder, weights, shards=1):
    """model.safetensors, or shards with an index, cut between layers in the order of names."""
    names = sorted(weights)
    if shards == 1:
        save_file(weights, os.path.join(folder, "model.safetensors"), {"format": "pt"})
        return
    where = {}
    for i in range(shards):
        file = f"model-{i + 1:05}-of-{shards:05}.safetensors"
        part = names[len(names) * i // shards:len(names) * (i + 1) // shards]
        save_file({name: weights[name] for name in part}, os.path.join(folder, file),
                  {"format": "pt"})
        where |= dict.fromkeys(part, file)
    size = sum(tensor.nbytes for tensor in weights.values())
    with open(os.path.join(folder, "model.safetensors.index.json"), "w", encoding="utf-8") as file:
        json.dump({"metadata": {"total_size": size}, "weight_map": where}, file, indent=1)
        file.write("\n")


def load_reference(folder):
    """The checkpoint in transformers: float32, eager attention, eager experts."""
    model, report = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", experts_implementation="eager",
        output_loading_info=True)
    wrong = {kind: names for kind, names in report.items() if names}
    assert not wrong, wrong
    return model.eval()


def deepseek_equivalent(config):
    """The qwen2_moe that computes what a DeepSeek v1 computes: transformers has no DeepSeek v1.

    Without biases; dense layers by name; the shared experts behind a gate that is 1/2 everywhere,
    with down_proj doubled (deepseek_weights)."""
    layers = range(config["num_hidden_layers"])
    dense = [i for i in layers if i < config["first_k_dense_replace"]
             or i % config["moe_layer_freq"] != 0]
    same = ["vocab_size", "hidden_size", "intermediate_size", "moe_intermediate_size",
            "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "rms_norm_eps",
            "num_experts_per_tok", "norm_topk_prob", "max_position_embeddings", "rope_theta",
            "rope_scaling", "tie_word_embeddings", "hidden_act"]
    return {key: config[key] for key in same} | {
        "model_type": "qwen2_moe", "architectures": ["Qwen2MoeForCausalLM"], "qkv_bias": False,
        "mlp_only_layers": dense, "decoder_sparse_step": 1,
        "num_experts": config["n_routed_experts"],
        "shared_expert_intermediate_size":
            config["n_shared_experts"] * config["moe_intermediate_size"],
    }


def deepseek_weights(weights):
    """Splits weights of deepseek_equivalent(): (for DeepSeek v1, for the equivalent model)."""
    own, equivalent = {}, {}
    for name, tensor in weights.items():
        if name.endswith("shared_expert_gate.weight"):
            equivalent[name] = torch.zeros_like(tensor)
            continue
        own[name.replace(".shared_expert.", ".shared_experts.")] = tensor
        doubled = name.endswith("shared_expert.down_proj.weight")
        equivalent[name] = tensor * 2 if doubled else tensor
    return own, equivalent
