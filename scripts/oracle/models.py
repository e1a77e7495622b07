"""The checkpoints of tests/fixtures/models: small, and each there for what it can catch."""

import json
import os
import shutil
import tempfile
from dataclasses import dataclass, field

import numpy as np
import torch
from safetensors.numpy import save_file
from transformers import AutoConfig

from oracle import checkpoint, outputs

MIN_ROUTING_GAP = 1e-3  # between router logits; the engine's error is below 1e-5
MIN_GREEDY_GAP = 5e-3   # between the first two logits
MIN_EFFECT = 1e-2       # of ignoring a setting, on the logits

COMMON = {"vocab_size": 128, "hidden_size": 32, "intermediate_size": 40, "num_hidden_layers": 2,
          "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256,
          "hidden_act": "silu", "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "rope_scaling": None,
          "tie_word_embeddings": False, "bos_token_id": 1, "eos_token_id": 2}
EXPERTS = {"num_experts": 6, "num_experts_per_tok": 2, "moe_intermediate_size": 16,
           "norm_topk_prob": True}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64,
        "beta_fast": 4.0, "beta_slow": 1.0}


@dataclass
class Spec:
    """`catches`: changes of the configuration (a rope_scaling is merged) that must show."""
    name: str
    model_type: str
    config: dict
    dtype: torch.dtype = torch.bfloat16
    shards: int = 1
    catches: list = field(default_factory=list)

    def full_config(self, change=None):
        change = dict(change or {})
        config = COMMON | {"model_type": self.model_type} | self.config
        if change.get("rope_scaling"):
            change["rope_scaling"] = config["rope_scaling"] | change["rope_scaling"]
        return config | change


SPECS = [
    Spec("olmoe-clip", "olmoe",
         {"num_experts": 6, "num_experts_per_tok": 2, "intermediate_size": 16,
          "norm_topk_prob": True, "clip_qkv": 0.9, "attention_bias": True,
          "rms_norm_eps": 1e-5, "rope_theta": 500000.0},
         catches=[{"clip_qkv": None}, {"norm_topk_prob": False}, {"rope_theta": 10000.0}]),
    Spec("qwen2moe-mixed", "qwen2_moe",
         EXPERTS | {"num_hidden_layers": 6, "decoder_sparse_step": 2, "mlp_only_layers": [3],
                    "shared_expert_intermediate_size": 24, "tie_word_embeddings": True,
                    "rope_theta": 1e6},
         shards=2, catches=[{"norm_topk_prob": False}, {"rope_theta": 10000.0}]),
    Spec("mixtral-f16", "mixtral",
         {"num_local_experts": 5, "num_experts_per_tok": 2, "num_key_value_heads": 1,
          "intermediate_size": 20, "rope_theta": 1e6, "rms_norm_eps": 1e-5, "sliding_window": None},
         torch.float16, catches=[{"rope_theta": 10000.0}]),
    Spec("qwen3moe-heads", "qwen3_moe",
         EXPERTS | {"num_hidden_layers": 3, "head_dim": 12, "mlp_only_layers": [1],
                    "decoder_sparse_step": 1, "attention_bias": True},
         catches=[{"norm_topk_prob": False}]),
    Spec("deepseek-freq", "deepseek",
         {"num_hidden_layers": 5, "first_k_dense_replace": 1, "moe_layer_freq": 2,
          "n_routed_experts": 6, "n_shared_experts": 2, "num_experts_per_tok": 2,
          "moe_intermediate_size": 12, "norm_topk_prob": True, "scoring_func": "softmax",
          "attention_bias": False},
         catches=[{"norm_topk_prob": False}]),
    Spec("llama-biases", "llama",
         {"hidden_size": 48, "num_attention_heads": 6, "attention_bias": True, "mlp_bias": True,
          "rope_theta": 5000.0,
          "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                           "high_freq_factor": 4.0, "original_max_position_embeddings": 64}},
         catches=[{"rope_scaling": None}, {"rope_scaling": {"high_freq_factor": 2.0}}]),
    Spec("llama-linear", "llama",
         {"head_dim": 12, "rope_scaling": {"type": "linear", "factor": 4.0}},
         torch.float32, catches=[{"rope_scaling": None}]),
    Spec("qwen3moe-yarn", "qwen3_moe",
         EXPERTS | {"head_dim": 24, "rope_theta": 1000.0, "rope_scaling": YARN,
                    "decoder_sparse_step": 1, "mlp_only_layers": []},
         catches=[{"rope_scaling": None}, {"rope_scaling": {"attention_factor": 1.0}},
                  {"rope_scaling": {"beta_fast": 32.0}}, {"rope_scaling": {"truncate": False}}]),
    Spec("llama-yarn-mscale", "llama",
         {"head_dim": 24, "rope_theta": 1000.0,
          "rope_scaling": YARN | {"mscale": 1.5, "mscale_all_dim": 0.5, "truncate": False}},
         catches=[{"rope_scaling": {"truncate": True}}, {"rope_scaling": {"mscale": 1.0}},
                  {"rope_scaling": {"mscale_all_dim": 1.0}},
                  {"rope_scaling": {"attention_factor": 1.0}}]),
    Spec("llama-yarn-factor", "llama",
         {"head_dim": 24, "rope_theta": 1000.0, "tie_word_embeddings": True,
          "rope_scaling": YARN | {"attention_factor": 0.7, "mscale": 1.5, "mscale_all_dim": 0.5}},
         catches=[{"rope_scaling": {"attention_factor": None}},
                  {"rope_scaling": {"original_max_position_embeddings": 128}}]),
]


def build(spec, seed, folder, change=None):
    """Writes the checkpoint and returns the reference model of it, its configuration `change`d."""
    config = spec.full_config(change)
    deepseek = spec.model_type == "deepseek"
    # Weights do not depend on the change, so that its effect is the change's alone.
    drawn = checkpoint.deepseek_equivalent(spec.full_config()) if deepseek else spec.full_config()
    weights = checkpoint.random_weights(drawn, seed, spec.dtype)
    checkpoint.write_config(folder, config)
    if not deepseek:
        checkpoint.save_weights(folder, weights, spec.shards)
        return checkpoint.load_reference(folder)
    own, equivalent = checkpoint.deepseek_weights(weights)
    checkpoint.save_weights(folder, own, spec.shards)
    with tempfile.TemporaryDirectory() as other:
        checkpoint.write_config(other, checkpoint.deepseek_equivalent(config))
        checkpoint.save_weights(other, equivalent)
        return checkpoint.load_reference(other)


def effects(spec, seed, logits):
    """How much the logits move when each setting of `catches` is ignored."""
    moved = []
    for change in spec.catches:
        with tempfile.TemporaryDirectory() as folder:
            tensors, _ = outputs.answers(build(spec, seed, folder, change), seed, 2)
        moved.append(float(np.abs(tensors["logits"] - logits).max()))
    return moved


def write_modern_config(folder):
    """config.v5.json: the same configuration as transformers 5 writes it (rope_parameters)."""
    with tempfile.TemporaryDirectory() as other:
        AutoConfig.from_pretrained(folder).save_pretrained(other)
        with open(os.path.join(other, "config.json"), encoding="utf-8") as file:
            config = json.load(file)
    assert "rope_parameters" in config and "rope_scaling" not in config, config
    with open(os.path.join(folder, "config.v5.json"), "w", encoding="utf-8") as file:
        json.dump(config, file, indent=1, sort_keys=True)
        file.write("\n")


def make(spec, out):
    """Searches a seed without near ties, writes the fixture and says what it is sensitive to."""
    folder = os.path.join(out, spec.name)
    for seed in range(1000):
        shutil.rmtree(folder, ignore_errors=True)
        tensors, gaps = outputs.answers(build(spec, seed, folder), seed, 2)
        if gaps["routing"] >= MIN_ROUTING_GAP and gaps["greedy"] >= MIN_GREEDY_GAP:
            break
    else:
        raise RuntimeError(f"{spec.name}: no seed without near ties")
    moved = effects(spec, seed, tensors["logits"])
    assert min(moved) >= MIN_EFFECT, (spec.name, spec.catches, moved)
    save_file(tensors, os.path.join(folder, "outputs.safetensors"),
              {"seed": str(seed)})
    if spec.model_type != "deepseek":
        write_modern_config(folder)
    size = sum(entry.stat().st_size for entry in os.scandir(folder))
    print(f"{spec.name}: seed {seed}, {size / 1000:.0f} KB, gaps {gaps}, effects "
          + ", ".join(f"{value:.2g}" for value in moved), flush=True)
