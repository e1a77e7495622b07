#include "train/torch/pass.h"

namespace expertoire::train {

Tensor Pass::linear(const Tensor& x, const Tensor& weight, const Tensor& bias) const {
  const auto optional = [](const Tensor& tensor) {
    return tensor.defined() ? std::optional<Tensor>(tensor) : std::nullopt;
  };
  if (!bf16) return at::linear(x, weight, optional(bias));
  const Tensor narrow_bias = bias.defined() ? bias.to(at::kBFloat16) : bias;
  return at::linear(x.to(at::kBFloat16), weight.to(at::kBFloat16), optional(narrow_bias))
      .to(x.scalar_type());
}

}  // namespace expertoire::train
