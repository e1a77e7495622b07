// Element types as they lie in files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/half.h"

namespace expertoire {

/// Named as safetensors names them.
enum class DType : uint8_t { kF32, kBF16, kF16, kF64, kI64, kI32, kI16, kI8, kU8, kBool };

/// Bytes of one element.
size_t dtype_size(DType dtype);
/// "F32", "BF16" …: the words of the safetensors format.
std::string_view dtype_name(DType dtype);
std::optional<DType> parse_dtype(std::string_view name);

/// The arithmetic of a forward pass. kBF16: bf16 weights × bf16 activations, f32 accumulation.
enum class Compute : uint8_t { kF32, kBF16 };

/// "f32" or "bf16".
std::string_view compute_name(Compute compute);
std::optional<Compute> parse_compute(std::string_view name);

/// Bytes of one packed weight or activation element.
inline size_t compute_size(Compute compute) { return compute == Compute::kF32 ? 4 : 2; }

}  // namespace expertoire
