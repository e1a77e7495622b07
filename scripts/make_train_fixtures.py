#!/usr/bin/env python3
"""Write tests/fixtures/train: five AdamW steps of tiny decoders, in the layout of the training goldens.

    build/venv/bin/python scripts/make_train_fixtures.py [SHARED]

They come from the plain PyTorch reference of the five layer kinds, SHARED/bench/reference_layers.py,
in float64. Beyond what the goldens hold: grouped queries, tied embeddings, a router in every layer,
and BatchNorm of each key over tokens (`moe_router_norm: key`)."""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared"
sys.path.insert(0, str(SHARED / "bench"))
import reference_layers as R  # noqa: E402

BASE = dict(vocab_size=24, hidden_size=16, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, rope_theta=500.0, rms_norm_eps=1e-5,
            max_position_embeddings=32, tie_word_embeddings=True, intermediate_size=20,
            lambda_unif=0.01, lambda_amb=0.02, balance_coef=0.01, z_coef=0.001, num_experts=5,
            num_experts_per_tok=2, peer_keys=5, peer_key_dim=8, peer_heads=2, peer_topk=3,
            moe_experts=12, moe_topk=3, moe_heads=3, moe_dim=6, moe_groups=1)
CASES = {"dense": {}, "smoe": {}, "peer": {}, "monet_hd": {}, "monet_vd": {},
         "monet_vd_key": dict(moe_router_norm="key", moe_groups=2),
         "monet_hd_key": dict(moe_router_norm="key", moe_dim=8)}


class KeyRouter(R.Router):
    """Mean and variance of each key of each head over tokens."""

    def __init__(self, c):
        super().__init__(c)
        features = c.moe_heads * c.moe_experts
        self.norm1 = torch.nn.BatchNorm1d(features, affine=False)
        self.norm2 = torch.nn.BatchNorm1d(features, affine=False)

    def side(self, w, bn, x):
        z = w(x)
        v = bn(z.flatten(0, 1)).view(z.shape).unflatten(-1, (self.c.moe_heads, self.c.moe_experts))
        z = z.unflatten(-1, (self.c.moe_heads, self.c.moe_experts))
        part = torch.tensor(1 - self.c.moe_topk / self.c.moe_experts, dtype=torch.float64)
        tau = torch.distributions.Normal(0., 1.).icdf(part).item()
        keep = (v >= v.amax(-1, keepdim=True).clamp(max=tau)).detach()
        return z.masked_fill(~keep, -1e10).softmax(-1), v, keep


def write(name, config):
    torch.manual_seed(11)
    key = config.get("moe_router_norm") == "key"
    router, R.Router = R.Router, KeyRouter if key else R.Router
    model = R.Model(R.Cfg(config))
    R.Router = router
    if config["tie_word_embeddings"]:
        model.lm_head.weight = model.model.embed_tokens.weight
    for parameter in model.parameters():  # far enough from each other that routing differs
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, 0, 0.3)
    model = model.double()
    optimizer = R.optimizer(model, 1e-3)
    ids = torch.randint(config["vocab_size"], (5, 2, 10))
    learned = dict(model.named_parameters())
    kept = lambda: {k: v for k, v in model.state_dict().items()
                    if "num_batches" not in k and (k in learned or "running" in k)}
    out, steps = {"input_ids": ids.int()}, []
    out |= {f"init.{k}": v.float().clone() for k, v in kept().items()}
    for k, v in kept().items():  # start from what the file holds
        v.copy_(out[f"init.{k}"])
    for step in range(5):
        model.zero_grad()
        losses = model.losses(ids[step, :, :-1], ids[step, :, 1:])
        losses["total"].backward()
        if step == 0:
            out |= {f"grad.{k}": v.grad.clone() for k, v in learned.items()}
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        steps.append({k: v.item() for k, v in losses.items()} | {"grad_norm": norm.item()})
        if step in (0, 4):
            out |= {f"step{step + 1}.{k}": v.clone() for k, v in kept().items()}
    folder = ROOT / "tests/fixtures/train" / name
    folder.mkdir(parents=True, exist_ok=True)
    save_file({k: (v.float() if v.is_floating_point() else v).contiguous().clone()
               for k, v in out.items()}, folder / "train.safetensors")
    meta = dict(config=config, steps=steps, seed=11, optimizer=dict(
        kind="AdamW", lr=1e-3, betas=[0.9, 0.95], eps=1e-8, weight_decay=0.1, clip_grad_norm=1.0))
    (folder / "meta.json").write_text(json.dumps(meta, indent=1) + "\n")


def main():
    for name, changes in CASES.items():
        write(name, BASE | {"kind": name.removesuffix("_key")} | changes)


if __name__ == "__main__":
    main()
