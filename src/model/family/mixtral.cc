// Mixtral: the chosen probabilities always sum to 1.
#include "model/family/family.h"

namespace expertoire {

const FamilySpec kMixtral = {
    .model_type = "mixtral",
    .rope_theta = 1e6,
    .rms_norm_eps = 1e-5F,
    .sparse = SparseRule::kAll,
    .num_experts_key = "num_local_experts",
    .expert_width_key = "intermediate_size",
    .norm = NormRule::kAlways,
    .tensors = {.router = "block_sparse_moe.gate.weight",
                .expert = "block_sparse_moe.experts.{e}.",
                .gate = "w1",
                .up = "w3",
                .down = "w2"},
};

}  // namespace expertoire
