// Qwen1.5-MoE and Qwen2-MoE: biases on q, k, v, and one shared expert behind a sigmoid gate.
#include "model/family/family.h"

namespace expertoire {

const FamilySpec kQwen2Moe = {
    .model_type = "qwen2_moe",
    .qkv_bias_key = "qkv_bias",
    .qkv_bias_default = true,
    .sparse = SparseRule::kQwen,
    .shared = SharedRule::kGatedWidth,
};

}  // namespace expertoire
