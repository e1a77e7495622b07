// DeepSeekMoE (v1): dense first layers, shared experts as one wider MLP added as it is.
#include "model/family/family.h"

namespace expertoire {

const FamilySpec kDeepSeek = {
    .model_type = "deepseek",
    .qkv_bias_key = "attention_bias",
    .o_bias = true,
    .sparse = SparseRule::kDeepSeek,
    .num_experts_key = "n_routed_experts",
    .shared = SharedRule::kCount,
    .tensors = {.shared = "mlp.shared_experts."},
    .embedding_stage = Stage::kProbs,
};

}  // namespace expertoire
