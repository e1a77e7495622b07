// OLMoE's rule: softmax over all experts, the k largest, not renormalised. Losses: Switch's balance
// (arXiv 2101.03961 eq. 4) and ST-MoE's z (arXiv 2202.08906 eq. 5).
#include <ATen/ops/index_add.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/topk.h>
#include <fmt/format.h>

#include "train/torch/ffn.h"
#include "train/torch/gated_mlp.h"
#include "train/torch/processes.h"

namespace expertoire::train {
namespace {

class Smoe final : public Ffn {
 public:
  Smoe(const ModelShape& shape, const std::string& prefix, Parameters& parameters)
      : top_k_(shape.experts_per_token) {
    gate_ = parameters.normal(prefix + "mlp.gate.weight", {shape.num_experts, shape.hidden_size},
                              shape.initializer_range);
    for (int64_t e = 0; e < shape.num_experts; ++e) {
      experts_.emplace_back(shape, fmt::format("{}mlp.experts.{}.", prefix, e), parameters);
    }
  }

  Tensor forward(const Tensor& x, Pass& pass) override {
    const Tensor logits = at::linear(x, gate_);  // [tokens, experts], never in bf16
    const Tensor probabilities = logits.softmax(-1);
    const auto [weights, chosen] = at::topk(probabilities, top_k_, -1);
    add_losses(logits, probabilities, chosen, pass);
    return mix(x, weights, chosen, pass);
  }

 private:
  // Each expert sees only the tokens that chose it. One that nobody chose runs on none, so that its
  // gradient is zero and not absent: weight decay and moments go on.
  Tensor mix(const Tensor& x, const Tensor& weights, const Tensor& chosen, const Pass& pass) const {
    Tensor out = at::zeros_like(x);
    const Tensor flat_weights = weights.reshape({-1});
    for (size_t e = 0; e < experts_.size(); ++e) {
      const Tensor places = at::nonzero(chosen.reshape({-1}) == static_cast<int64_t>(e)).squeeze(1);
      const Tensor tokens = places.floor_divide(top_k_);
      const Tensor y = experts_[e].forward(at::index_select(x, 0, tokens), pass);
      const Tensor weight = at::index_select(flat_weights, 0, places).unsqueeze(1);
      out = at::index_add(out, 0, tokens, y * weight);
    }
    return out;
  }

  void add_losses(const Tensor& logits, const Tensor& probabilities, const Tensor& chosen,
                  Pass& pass) const {
    const auto count = static_cast<double>(experts_.size());
    const Tensor share =
        shared_mean(at::zeros_like(probabilities).scatter(-1, chosen, 1.0).mean(0) /
                        static_cast<double>(top_k_),
                    pass.processes);
    const Tensor mean = shared_mean(probabilities.mean(0), pass.processes);
    pass.balance.push_back(count * (share.detach() * mean).sum());
    pass.z.push_back(at::logsumexp(logits, {-1}).square().mean());
    pass.expert_load.push_back(share.detach());
  }

  int64_t top_k_;
  Tensor gate_;
  std::vector<GatedMlp> experts_;
};

}  // namespace

std::unique_ptr<Ffn> make_smoe(const ModelShape& shape, const std::string& prefix,
                               Parameters& parameters) {
  return std::make_unique<Smoe>(shape, prefix, parameters);
}

}  // namespace expertoire::train
