#include "train/torch/decoder.h"

#include <ATen/ops/embedding.h>
#include <ATen/ops/rsqrt.h>
#include <fmt/format.h>

#include "train/torch/cross_entropy.h"

namespace expertoire::train {
namespace {

Tensor mean_of(const std::vector<Tensor>& terms) { return at::stack(terms).mean(); }

}  // namespace

Tensor RmsNorm::forward(const Tensor& x) const {
  return weight * x * (x.square().mean(-1, true) + eps).rsqrt();
}

Decoder::Decoder(const ModelShape& shape, Parameters& parameters) : shape_(shape) {
  const int64_t d = shape.hidden_size;
  const auto norm = [&](const std::string& name) {
    return RmsNorm{parameters.constant(name + ".weight", {d}, 1), shape.rms_norm_eps};
  };
  embedding_ = parameters.normal("model.embed_tokens.weight", {shape.vocab_size, d},
                                 shape.initializer_range);
  for (int64_t layer = 0; layer < shape.layers; ++layer) {
    const std::string prefix = fmt::format("model.layers.{}.", layer);
    layers_.push_back({norm(prefix + "input_layernorm"), norm(prefix + "post_attention_layernorm"),
                       Attention(shape, prefix, parameters), make_ffn(shape, layer, parameters)});
  }
  norm_ = norm("model.norm");
  head_ = shape.tied
              ? embedding_
              : parameters.normal("lm_head.weight", {shape.vocab_size, d}, shape.initializer_range);
}

Tensor Decoder::hidden(const Tensor& ids, Pass& pass) const {
  Tensor x = at::embedding(embedding_, ids.reshape({-1}));
  const Rotation rotation = Rotation::of(shape_, ids.size(1), x.options());
  for (const Layer& layer : layers_) {
    x = x + layer.attention.forward(layer.input_norm.forward(x), rotation, pass);
    x = x + layer.ffn->forward(layer.ffn_norm.forward(x), pass);
  }
  return norm_.forward(x);
}

Losses Decoder::losses(const Tensor& ids, Pass& pass) const {
  const int64_t length = ids.size(1) - 1;
  const Tensor states = hidden(ids.narrow(1, 0, length), pass);
  Losses losses;
  losses["lm"] = cross_entropy(states, head_, ids.narrow(1, 1, length).reshape({-1}), pass);
  Tensor total = losses["lm"];
  const auto add = [&](const char* name, const std::vector<Tensor>& terms, double coefficient) {
    if (terms.empty()) return;
    losses[name] = mean_of(terms);
    total = total + coefficient * losses[name];
  };
  add("unif", pass.unif, shape_.lambda_unif);
  add("amb", pass.amb, shape_.lambda_amb);
  add("balance", pass.balance, shape_.balance_coef);
  add("z", pass.z, shape_.z_coef);
  losses["total"] = total;
  return losses;
}

}  // namespace expertoire::train
