"""What the five-layer study trains: one list of runs, made from one base."""

from dataclasses import dataclass, field

TOKENS = 3_000_000        # of the five kinds and the router norms, each seed
SWEEP_TOKENS = 1_500_000  # of sweeps, one seed
STEP_TOKENS = 8 * 256
SEEDS = (1, 2)

# About 1 M parameters each, half of them in the embeddings that all share: equal in total, because that is what a
# user stores and ships, and because "active" means nothing alike for a dense layer and for kept keys.
BASE = dict(vocab_size=8192, hidden_size=64, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=4,
            max_position_embeddings=1024, rope_theta=10000.0, rms_norm_eps=1e-6, tie_word_embeddings=True)
MONET = dict(moe_experts=128, moe_topk=8, moe_heads=2, moe_dim=4, moe_groups=2, moe_router_norm="key",
             lambda_unif=1e-3, lambda_amb=1e-3)
KINDS = {
    "dense": dict(kind="dense", intermediate_size=496),
    "smoe": dict(kind="smoe", intermediate_size=61, num_experts=8, num_experts_per_tok=2),
    "peer": dict(kind="peer", peer_keys=26, peer_key_dim=32, peer_heads=4, peer_topk=8),
    "monet_hd": dict(kind="monet_hd", **MONET),
    "monet_vd": dict(kind="monet_vd", **MONET),
}
TRAINING = dict(lr=3e-3, warmup_steps=100, min_lr_ratio=0.1, sequence_length=256, batch_sequences=8,
                evaluate_every=200, evaluate_sequences=200, checkpoint_every=200, keep_checkpoints=1)


@dataclass(frozen=True)
class Run:
    """One training run. `table`: where the page shows it; `setting`: its column there."""
    table: str
    setting: str
    seed: int
    tokens: int
    model: dict = field(hash=False)

    @property
    def name(self):
        """Folder of the run. Every sweep passes through the base, which is trained once for all of them."""
        if self.tokens == SWEEP_TOKENS and self.model == KINDS["monet_vd"]:
            return f"base-{self.seed}"
        return f"{self.table}-{self.setting}-{self.seed}"

    def config(self, tokens=None):
        """train.json of expertoire-train run."""
        return TRAINING | {"model": BASE | self.model, "seed": self.seed,
                           "steps": max(1, (tokens or self.tokens) // STEP_TOKENS)}


def vertical(table, setting, tokens=SWEEP_TOKENS, seed=1, **changes):
    return Run(table, str(setting), seed, tokens, KINDS["monet_vd"] | changes)


def all_runs():
    """Every run, the most wanted first. The base stands in every sweep, under one name."""
    runs = [Run("kind", kind, seed, TOKENS, model) for seed in SEEDS for kind, model in KINDS.items()]
    runs += [vertical("norm", "head", TOKENS, seed, moe_router_norm="head") for seed in SEEDS]
    runs += [vertical("n", n, moe_experts=n) for n in (64, 128, 256, 512)]
    runs += [vertical("k", k, moe_topk=k) for k in (4, 8, 16)]
    runs += [vertical("lambda", value, lambda_unif=value, lambda_amb=value) for value in (0, 2e-4, 1e-3, 5e-3)]
    runs += [vertical("group", group, moe_groups=group) for group in (1, 2, 4)]
    return runs
