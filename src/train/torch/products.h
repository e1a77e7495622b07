// Products of matrices that add to what is there, and the size of the blocks that big passes take.
#pragma once

#include <algorithm>

#include "train/torch/tensor.h"

namespace expertoire::train {

/// Tokens whose logits exist at a time: its buffers stay small, its products long
/// enough for the library's kernels.
inline constexpr int64_t kBlockTokens = 512;

/// sum += a·b, in place.
inline void add_product(const Tensor& sum, const Tensor& a, const Tensor& b) {
  Tensor out = sum;
  at::addmm_out(out, sum, a, b);
}

}  // namespace expertoire::train
