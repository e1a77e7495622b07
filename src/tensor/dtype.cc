#include "tensor/dtype.h"

#include <array>
#include <utility>

namespace expertoire {
namespace {

struct DTypeRow {
  DType dtype;
  std::string_view name;
  size_t size;
};

constexpr std::array<DTypeRow, 10> kDTypes = {{{DType::kF32, "F32", 4},
                                               {DType::kBF16, "BF16", 2},
                                               {DType::kF16, "F16", 2},
                                               {DType::kF64, "F64", 8},
                                               {DType::kI64, "I64", 8},
                                               {DType::kI32, "I32", 4},
                                               {DType::kI16, "I16", 2},
                                               {DType::kI8, "I8", 1},
                                               {DType::kU8, "U8", 1},
                                               {DType::kBool, "BOOL", 1}}};

const DTypeRow& row(DType dtype) { return kDTypes[static_cast<size_t>(dtype)]; }

}  // namespace

size_t dtype_size(DType dtype) { return row(dtype).size; }
std::string_view dtype_name(DType dtype) { return row(dtype).name; }

std::optional<DType> parse_dtype(std::string_view name) {
  for (const DTypeRow& candidate : kDTypes) {
    if (candidate.name == name) return candidate.dtype;
  }
  return std::nullopt;
}

std::string_view compute_name(Compute compute) { return compute == Compute::kF32 ? "f32" : "bf16"; }

std::optional<Compute> parse_compute(std::string_view name) {
  if (name == "f32") return Compute::kF32;
  if (name == "bf16") return Compute::kBF16;
  return std::nullopt;
}

}  // namespace expertoire
