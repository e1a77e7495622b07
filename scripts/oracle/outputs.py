"""What a reference model answers, stage by stage, and how far it is from a tie."""

import numpy as np
import torch

SEQ_LENS = [1, 2, 6, 17]
GENERATED_FROM = [1, 2]
NEW_TOKENS = 12


class Stages:
    """Hooks that keep what one forward pass computes."""

    def __init__(self, model):
        self.kept = {}
        base = model.model
        for i, layer in enumerate(base.layers):
            layer.register_forward_pre_hook(self._keeper(f"hidden_states.{i}"))
        base.norm.register_forward_pre_hook(self._keeper(f"hidden_states.{len(base.layers)}"))
        base.norm.register_forward_hook(lambda _m, _in, out: self._keep("final_norm", out))
        for name, module in base.named_modules():
            if type(module).__name__.endswith("TopKRouter"):
                module.register_forward_hook(self._router(name.split(".")[1]))
            if type(module).__name__ == "PEER":
                module.register_forward_hook(self._peer(name.split(".")[1]))

    def _keep(self, name, value):
        self.kept[name] = value.detach().reshape(-1, value.shape[-1])

    def _keeper(self, name):
        return lambda _module, args: self._keep(name, args[0])

    def _router(self, layer):
        def keep(_module, _args, out):
            logits, weights, ids = out
            self._keep(f"router_logits.{layer}", logits)
            self._keep(f"router_probs.{layer}", torch.softmax(logits, -1))
            self._keep(f"topk_weights.{layer}", weights)
            self._keep(f"topk_ids.{layer}", ids.to(torch.int32))
        return keep


    def _peer(self, layer):
        def keep(module, args, out):
            x, n, top_k = args[0].flatten(0, 1), module.c.peer_keys, module.c.peer_topk
            q = module.query_norm(module.query(x)).unflatten(-1, (module.c.peer_heads, 2, -1))
            logits = torch.stack([q[:, :, 0] @ module.keys1.T, q[:, :, 1] @ module.keys2.T], 1)
            scores = (logits[:, 0, :, :, None] + logits[:, 1, :, None, :]).flatten(-2)  # all n²
            best, ids = scores.topk(top_k, -1)
            weights = best.softmax(-1)
            neurons = torch.nn.functional.gelu(torch.einsum("td,thkd->thk", x, module.down[ids]))
            again = torch.einsum("thk,thkd->td", neurons * weights, module.up[ids])
            assert torch.allclose(again, out.flatten(0, 1), atol=1e-5), layer
            self._keep(f"router_logits.{layer}", logits.reshape(-1, 2 * module.c.peer_heads * n))
            self._keep(f"router_probs.{layer}",
                       logits.softmax(-1).reshape(-1, 2 * module.c.peer_heads * n))
            self._keep(f"router_scores.{layer}", scores)
            self._keep(f"topk_weights.{layer}", weights.flatten(1))
            self._keep(f"topk_ids.{layer}", ids.to(torch.int32).flatten(1))
        return keep


@torch.no_grad()
def run(model, stages, ids):
    stages.kept = {}
    logits = model(torch.tensor([ids]), use_cache=False).logits[0]
    return stages.kept | {"logits": logits}


def routing_gap(kept, top_k):
    """The smallest distance between neighbours among the first k + 1 router logits (PEER: scores)."""
    gap = np.inf
    compared = "router_scores" if "router_scores.0" in kept else "router_logits"
    for name, logits in kept.items():
        if name.startswith(compared):
            ordered = logits.sort(-1, descending=True).values[:, :top_k + 1]
            gap = min(gap, float((ordered[:, :-1] - ordered[:, 1:]).min()))
    return gap


def nll_mean(logits, ids):
    if len(ids) < 2:
        return 0.0
    return float(torch.nn.functional.cross_entropy(logits[:-1], torch.tensor(ids[1:])))


def continue_greedily(model, stages, ids, top_k):
    """(new ids, smallest gap between the first two logits, smallest routing gap); no cache."""
    ids, greedy, routing = list(ids), np.inf, np.inf
    for _ in range(NEW_TOKENS):
        kept = run(model, stages, ids)
        best = kept["logits"][-1].topk(2)
        greedy = min(greedy, float(best.values[0] - best.values[1]))
        routing = min(routing, routing_gap(kept, top_k))
        ids.append(int(best.indices[0]))
    return ids[-NEW_TOKENS:], greedy, routing


def answers(model, seed, top_k):
    """Everything of outputs.safetensors, and the gaps: {"greedy", "routing"}."""
    stages = Stages(model)
    rng = np.random.default_rng([seed, 1])
    texts = [rng.integers(3, model.config.vocab_size, n).tolist() for n in SEQ_LENS]
    runs = [run(model, stages, ids) for ids in texts]
    gaps = {"greedy": np.inf, "routing": min(routing_gap(kept, top_k) for kept in runs)}
    tensors = {name: torch.cat([kept[name] for kept in runs]).numpy() for name in runs[0]
               if not name.startswith("router_scores")}
    tensors |= {"seq_lens": np.array(SEQ_LENS, np.int32),
                "input_ids": np.concatenate(texts).astype(np.int32),
                "generated_from": np.array(GENERATED_FROM, np.int32),
                "nll_mean": np.array([nll_mean(kept["logits"], ids)
                                      for kept, ids in zip(runs, texts)], np.float32)}
    for i, source in enumerate(GENERATED_FROM):
        ids, greedy, routing = continue_greedily(model, stages, texts[source], top_k)
        tensors[f"generated.{i}"] = np.array(ids, np.int32)
        gaps = {"greedy": min(gaps["greedy"], greedy), "routing": min(gaps["routing"], routing)}
    return tensors, gaps
