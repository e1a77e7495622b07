// Llama: the dense baseline.
#include "model/family/family.h"

namespace expertoire {

const FamilySpec kLlama = {
    .model_type = "llama",
    .qkv_bias_key = "attention_bias",
    .o_bias = true,
    .mlp_bias = true,
};

}  // namespace expertoire
