// The language-model head with its loss, without the logits of all tokens in memory.
#pragma once

#include "train/torch/pass.h"

namespace expertoire::train {

/// Mean over tokens of −log softmax(x·weightᵀ)[target]. x: [tokens, hidden_size], weight:
/// [vocab_size, hidden_size], targets: [tokens]. Logits exist for one block of tokens at a time;
/// gradients are computed with them, in the forward pass.
Tensor cross_entropy(const Tensor& x, const Tensor& weight, const Tensor& targets,
                     const Pass& pass);

}  // namespace expertoire::train
