// OLMoE: q/k norm over the full projected width, optional clipping of q, k, v.
#include "model/family/family.h"

namespace expertoire {

const FamilySpec kOlmoe = {
    .model_type = "olmoe",
    .qk_norm = QkNorm::kFull,
    .qkv_bias_key = "attention_bias",
    .o_bias = true,
    .rms_norm_eps = 1e-5F,
    .clip_qkv = true,
    .sparse = SparseRule::kAll,
    .expert_width_key = "intermediate_size",
};

}  // namespace expertoire
