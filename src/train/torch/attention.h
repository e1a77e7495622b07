// Causal self-attention as in Llama: rotary positions, grouped queries, no biases.
#pragma once

#include <string>

#include "train/config.h"
#include "train/torch/parameters.h"
#include "train/torch/pass.h"

namespace expertoire::train {

/// cos and sin of every position: [length, head_dim / 2] each.
struct Rotation {
  Tensor cos, sin;
  static Rotation of(const ModelShape& shape, int64_t length, const at::TensorOptions& options);
};

class Attention {
 public:
  /// Tensors prefix + "self_attn.{q,k,v,o}_proj.weight".
  Attention(const ModelShape& shape, const std::string& prefix, Parameters& parameters);
  /// o(attention(x)) for x [sequences·length, hidden_size], each sequence alone.
  Tensor forward(const Tensor& x, const Rotation& rotation, const Pass& pass) const;

 private:
  int64_t heads_, kv_heads_, head_dim_;
  Tensor q_, k_, v_, o_;
};

}  // namespace expertoire::train
