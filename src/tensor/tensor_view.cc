#include "tensor/tensor_view.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>

#include "base/error.h"

namespace expertoire {

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

void read_f32(const TensorView& view, int64_t first, int64_t count, float* out) {
  const std::byte* source = view.data + first * static_cast<int64_t>(dtype_size(view.dtype));
  if (view.dtype == DType::kF32) {
    // memcpy takes no null pointer, not even for nothing.
    if (count > 0) std::memcpy(out, source, static_cast<size_t>(count) * 4);
    return;
  }
  if (view.dtype != DType::kBF16 && view.dtype != DType::kF16) {
    throw Error(ErrorCode::kUnsupported,
                {"reading a tensor as floats", fmt::format("dtype {}", dtype_name(view.dtype)),
                 "F32, BF16 or F16", ""});
  }
  for (int64_t i = 0; i < count; ++i) {
    uint16_t bits;
    std::memcpy(&bits, source + 2 * i, 2);
    out[i] = view.dtype == DType::kBF16 ? bf16_to_f32(bits) : f16_to_f32(bits);
  }
}

}  // namespace expertoire
