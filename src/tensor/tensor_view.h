// A read-only look at a tensor in memory that somebody else owns (usually a mapped file).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tensor/dtype.h"

namespace expertoire {

/// Row-major; the data need not be aligned to the element size.
struct TensorView {
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  const std::byte* data = nullptr;
  size_t bytes = 0;

  int64_t elements() const {
    int64_t count = 1;
    for (int64_t dim : shape) count *= dim;
    return count;
  }
};

/// "[64, 2048]".
std::string shape_text(const std::vector<int64_t>& shape);

/// Elements [first, first + count) of a float tensor (F32, BF16, F16) as f32.
/// Errors: kUnsupported for another dtype.
void read_f32(const TensorView& view, int64_t first, int64_t count, float* out);

}  // namespace expertoire
