"""The PEER checkpoint of tests/fixtures/models: transformers has no PEER, so the reference is the
shared folder's bench/reference_layers.py, in the names and keys that expertoire-train writes."""

import os
import shutil
import sys
from types import SimpleNamespace

import numpy as np
import torch
from safetensors.numpy import save_file

from oracle import checkpoint, outputs
from oracle.models import MIN_GREEDY_GAP, MIN_ROUTING_GAP

NAME = "peer"
CONFIG = {"model_type": "peer", "hidden_act": "gelu", "vocab_size": 128, "hidden_size": 32,
          "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
          "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "rope_theta": 500.0,
          "tie_word_embeddings": False, "bos_token_id": 1, "eos_token_id": 2,
          "peer_keys": 9, "peer_key_dim": 12, "peer_heads": 3, "peer_topk": 4,
          "dtype": "bfloat16"}


def draw(rng, name, shape):
    if name.endswith("running_var"):
        return 2 + 0.3 * rng.random(shape)
    if name.endswith("running_mean"):
        return 0.2 * rng.standard_normal(shape)
    if name.endswith(("keys1", "keys2")):
        return 2 / np.sqrt(shape[-1]) * rng.standard_normal(shape)
    if name.endswith("mlp.up"):
        return 0.8 * rng.standard_normal(shape)
    return checkpoint.draw(rng, name, shape, False)


class Reference(torch.nn.Module):
    """The reference as outputs.py calls a model of transformers."""

    def __init__(self, shared, seed):
        super().__init__()
        sys.path.insert(0, os.path.join(shared, "bench"))
        import reference_layers  # noqa: PLC0415
        inner = reference_layers.Model(reference_layers.Cfg(CONFIG, kind="peer"))
        rng = np.random.default_rng(seed)
        for name, tensor in sorted(inner.state_dict().items()):
            if tensor.is_floating_point():
                value = torch.from_numpy(draw(rng, name, tuple(tensor.shape)))
                tensor.copy_(value.to(torch.bfloat16).float())
        self.inner = inner.eval()
        self.model = inner.model
        self.config = SimpleNamespace(vocab_size=CONFIG["vocab_size"])

    def forward(self, ids, use_cache=False):
        assert not use_cache
        return SimpleNamespace(logits=self.inner(ids))

    def weights(self):
        return {name: tensor.to(torch.bfloat16) if tensor.is_floating_point() else tensor
                for name, tensor in self.inner.state_dict().items()}


def make(out, shared):
    """Searches a seed without near ties and writes the fixture."""
    folder = os.path.join(out, NAME)
    for seed in range(1000):
        reference = Reference(shared, seed)
        tensors, gaps = outputs.answers(reference, seed, CONFIG["peer_topk"])
        if gaps["routing"] >= MIN_ROUTING_GAP and gaps["greedy"] >= MIN_GREEDY_GAP:
            break
    else:
        raise RuntimeError(f"{NAME}: no seed without near ties")
    shutil.rmtree(folder, ignore_errors=True)
    checkpoint.write_config(folder, CONFIG)
    checkpoint.save_weights(folder, reference.weights())
    save_file(tensors, os.path.join(folder, "outputs.safetensors"), {"seed": str(seed)})
    size = sum(entry.stat().st_size for entry in os.scandir(folder))
    print(f"{NAME}: seed {seed}, {size / 1000:.0f} KB, gaps {gaps}", flush=True)
