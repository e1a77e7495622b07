// Qwen3-MoE: q/k norm per head, no shared experts.
#include "model/family/family.h"

namespace expertoire {

const FamilySpec kQwen3Moe = {
    .model_type = "qwen3_moe",
    .qk_norm = QkNorm::kPerHead,
    .qkv_bias_key = "attention_bias",
    .o_bias = true,
    .sparse = SparseRule::kQwen,
};

}  // namespace expertoire
