#include <ATen/ops/silu.h>

#include "train/torch/ffn.h"
#include "train/torch/gated_mlp.h"

namespace expertoire::train {

GatedMlp::GatedMlp(const ModelShape& shape, const std::string& prefix, Parameters& parameters) {
  const int64_t d = shape.hidden_size;
  const int64_t m = shape.intermediate_size;
  gate = parameters.normal(prefix + "gate_proj.weight", {m, d}, shape.initializer_range);
  up = parameters.normal(prefix + "up_proj.weight", {m, d}, shape.initializer_range);
  down = parameters.normal(prefix + "down_proj.weight", {d, m}, shape.initializer_range);
}

Tensor GatedMlp::forward(const Tensor& x, const Pass& pass) const {
  return pass.linear(at::silu(pass.linear(x, gate)) * pass.linear(x, up), down);
}

namespace {

class Dense final : public Ffn {
 public:
  Dense(const ModelShape& shape, const std::string& prefix, Parameters& parameters)
      : mlp_(shape, prefix + "mlp.", parameters) {}
  Tensor forward(const Tensor& x, Pass& pass) override { return mlp_.forward(x, pass); }

 private:
  GatedMlp mlp_;
};

}  // namespace

std::unique_ptr<Ffn> make_dense(const ModelShape& shape, const std::string& prefix,
                                Parameters& parameters) {
  return std::make_unique<Dense>(shape, prefix, parameters);
}

}  // namespace expertoire::train
