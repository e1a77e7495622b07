#include "train/torch/tensor_files.h"

#include <fmt/format.h>

#include <array>

#include "io/refuse.h"

namespace expertoire::train {
namespace {

constexpr std::array<std::pair<DType, at::ScalarType>, 10> kTypes = {{{DType::kF32, at::kFloat},
                                                                      {DType::kBF16, at::kBFloat16},
                                                                      {DType::kF16, at::kHalf},
                                                                      {DType::kF64, at::kDouble},
                                                                      {DType::kI64, at::kLong},
                                                                      {DType::kI32, at::kInt},
                                                                      {DType::kI16, at::kShort},
                                                                      {DType::kI8, at::kChar},
                                                                      {DType::kU8, at::kByte},
                                                                      {DType::kBool, at::kBool}}};

at::ScalarType scalar_type(DType dtype) {
  for (const auto& [ours, theirs] : kTypes) {
    if (ours == dtype) return theirs;
  }
  throw Error(ErrorCode::kUnsupported,
              {"reading a tensor", std::string(dtype_name(dtype)), "a type that libtorch has", ""});
}

DType file_type(at::ScalarType type) {
  for (const auto& [ours, theirs] : kTypes) {
    if (theirs == type) return ours;
  }
  throw Error(ErrorCode::kUnsupported,
              {"writing a tensor", at::toString(type), "a type that safetensors files have", ""});
}

}  // namespace

Tensor tensor_of(const TensorView& view) {
  Tensor tensor = at::empty(view.shape, scalar_type(view.dtype));
  if (view.bytes > 0) std::memcpy(tensor.mutable_data_ptr(), view.data, view.bytes);
  return tensor;
}

void write_tensors(const std::string& path, const TensorList& tensors,
                   const std::map<std::string, std::string>& metadata) {
  std::vector<Tensor> alive;
  std::vector<NamedTensor> named;
  for (const auto& [name, tensor] : tensors) {
    const Tensor& plain = alive.emplace_back(tensor.detach().cpu().contiguous());
    named.push_back({name,
                     {file_type(plain.scalar_type()), plain.sizes().vec(),
                      static_cast<const std::byte*>(plain.const_data_ptr()), plain.nbytes()}});
  }
  write_safetensors(path, named, metadata);
}

void load_into(const Tensor& to, const TensorView& view, const std::string& name,
               const std::string& path) {
  const std::vector<int64_t> expected = to.sizes().vec();
  if (view.shape != expected) {
    bad_file(path, fmt::format("tensor {} of shape {}", in_quotes(name), shape_text(view.shape)),
             "shape " + shape_text(expected), "use the configuration that the weights belong to");
  }
  const at::NoGradGuard no_grad;
  Tensor(to).copy_(tensor_of(view));
}

}  // namespace expertoire::train
