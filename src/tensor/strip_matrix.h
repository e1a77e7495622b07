// Weights in the layout of the strip products (simd/kernels.h): for products with few outputs.
#pragma once

#include <vector>

#include "tensor/packed_matrix.h"

namespace expertoire {

/// W [outputs, inputs], cut into strips of kStripWidth outputs; a bias for each output.
struct StripMatrix {
  Compute compute = Compute::kF32;
  int64_t outputs = 0;  ///< the last strip is padded with zero rows
  int64_t inputs = 0;
  Buffer data;
  std::vector<float> bias;  ///< strips() · kStripWidth values

  int64_t strips() const { return ceil_div(outputs, kStripWidth); }
  int64_t strip_bytes() const {
    const int64_t size = static_cast<int64_t>(compute_size(compute));
    return round_up(inputs * size, 8) * kStripWidth;
  }
  const std::byte* strip(int64_t index) const { return data.data() + index * strip_bytes(); }
};

/// The same weights and bias (zeros where there is none) in strips.
StripMatrix cut_into_strips(Executor& executor, const PackedMatrix& matrix);

}  // namespace expertoire
