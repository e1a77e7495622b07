// From logits to weights: softmax, top-k, and the edits of a layer.
#pragma once

#include "routing/edit.h"
#include "routing/routing.h"
#include "simd/kernels.h"

namespace expertoire {

/// Fills probs, selected and weights of tokens [first, last) from their logits; multiplies
/// shared_weights by the edit's factor. `edit` may be null. Ties go to the lower expert id.
/// As OLMoE, Qwen-MoE, Mixtral and DeepSeek v1 do (their modeling files in transformers):
/// softmax over all experts in f32, the k largest, optionally divided by their sum.
void select_experts(const KernelTable& kernels, const RouterRule& rule, const LayerEdit* edit,
                    int64_t first, int64_t last, TopKRouting& routing);

/// Ablates and scales what one token chose: weights [top_k] of the experts `selected`.
void edit_weights(const LayerEdit& edit, int top_k, const int32_t* selected, float* weights);

}  // namespace expertoire
