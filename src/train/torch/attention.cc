#include "train/torch/attention.h"

#include <ATen/ops/pow.h>
#include <ATen/ops/scaled_dot_product_attention.h>

namespace expertoire::train {
namespace {

// x: [sequences, heads, length, head_dim]; the halves of a head are real and imaginary parts.
Tensor rotate(const Tensor& x, const Rotation& rotation) {
  const std::vector<Tensor> half = x.chunk(2, -1);
  return at::cat({half[0] * rotation.cos - half[1] * rotation.sin,
                  half[1] * rotation.cos + half[0] * rotation.sin},
                 -1);
}

}  // namespace

Rotation Rotation::of(const ModelShape& shape, int64_t length, const at::TensorOptions& options) {
  const Tensor exponent =
      at::arange(0, shape.head_dim(), 2, options) / (-static_cast<double>(shape.head_dim()));
  const Tensor frequency = at::pow(shape.rope_theta, exponent);
  const Tensor angle = at::arange(length, options).unsqueeze(1) * frequency;
  return {angle.cos(), angle.sin()};
}

Attention::Attention(const ModelShape& shape, const std::string& prefix, Parameters& parameters)
    : heads_(shape.heads), kv_heads_(shape.kv_heads), head_dim_(shape.head_dim()) {
  const int64_t d = shape.hidden_size;
  const auto matrix = [&](const char* name, int64_t rows) {
    return parameters.normal(prefix + "self_attn." + name + "_proj.weight", {rows, d},
                             shape.initializer_range);
  };
  q_ = matrix("q", d);
  k_ = matrix("k", kv_heads_ * head_dim_);
  v_ = matrix("v", kv_heads_ * head_dim_);
  o_ = matrix("o", d);
}

Tensor Attention::forward(const Tensor& x, const Rotation& rotation, const Pass& pass) const {
  const int64_t length = rotation.cos.size(0);
  const auto heads = [&](const Tensor& weight, int64_t count) {
    return pass.linear(x, weight).view({-1, length, count, head_dim_}).transpose(1, 2);
  };
  Tensor q = rotate(heads(q_, heads_), rotation);
  Tensor k = rotate(heads(k_, kv_heads_), rotation);
  Tensor v = heads(v_, kv_heads_);
  if (kv_heads_ != heads_) {
    k = k.repeat_interleave(heads_ / kv_heads_, 1);
    v = v.repeat_interleave(heads_ / kv_heads_, 1);
  }
  if (pass.bf16) {
    q = q.to(at::kBFloat16);
    k = k.to(at::kBFloat16);
    v = v.to(at::kBFloat16);
  }
  const Tensor mixed =
      at::scaled_dot_product_attention(q, k, v, std::nullopt, 0.0, /*is_causal=*/true);
  return pass.linear(mixed.transpose(1, 2).reshape(x.sizes()).to(x.scalar_type()), o_);
}

}  // namespace expertoire::train
