// Activations: rows of one length in the type that the products compute with.
#pragma once

#include <cstdint>

#include "base/checked.h"
#include "tensor/buffer.h"
#include "tensor/dtype.h"

namespace expertoire {

/// Distance between rows of n elements. A little more than n: rows a power of two apart would
/// fall into the same few cache sets. The slack also holds the zero that pads an odd n.
constexpr int64_t row_stride(int64_t n) { return round_up(n + 1, 32) + 32; }

/// A view; element type by `compute` (f32 or bf16 bits).
struct Rows {
  Compute compute = Compute::kF32;
  std::byte* data = nullptr;
  int64_t stride = 0;  ///< in elements
  int64_t length = 0;  ///< elements of a row

  void* row(int64_t index) const {
    return data + index * stride * static_cast<int64_t>(compute_size(compute));
  }
};

/// Owned rows that grow on demand.
class RowBuffer {
 public:
  /// Rows of `length` elements; contents are unspecified.
  Rows ensure(Compute compute, int64_t count, int64_t length) {
    const int64_t stride = row_stride(length);
    std::byte* data = scratch_.ensure(count * stride * static_cast<int64_t>(compute_size(compute)));
    return {compute, data, stride, length};
  }

 private:
  Scratch<std::byte> scratch_;
};

}  // namespace expertoire
