// From logits to log probabilities.
#pragma once

#include <cstdint>
#include <span>

#include "simd/kernels.h"

namespace expertoire {

/// log softmax(logits)[id] for each of `ids`, into out [ids.size()]. `logits` [vocab] are finite,
/// and overwritten.
void log_probs(const KernelTable& kernels, float* logits, int64_t vocab,
               std::span<const int32_t> ids, double* out);

/// The id of the largest logit, the first where several are.
int32_t most_likely(const KernelTable& kernels, const float* logits, int64_t vocab);

}  // namespace expertoire
