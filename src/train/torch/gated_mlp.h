// SwiGLU, the dense layer's MLP and each expert of SMoE.
#pragma once

#include <string>

#include "train/config.h"
#include "train/torch/parameters.h"
#include "train/torch/pass.h"

namespace expertoire::train {

struct GatedMlp {
  Tensor gate, up;  ///< [intermediate_size, hidden_size]
  Tensor down;      ///< [hidden_size, intermediate_size]

  /// Tensors prefix + {gate,up,down}_proj.weight.
  GatedMlp(const ModelShape& shape, const std::string& prefix, Parameters& parameters);
  /// down(silu(gate x) · up x)
  Tensor forward(const Tensor& x, const Pass& pass) const;
};

}  // namespace expertoire::train
