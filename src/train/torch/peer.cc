// PEER (arXiv 2407.04153): experts of one neuron, found by two half-queries against n keys each,
// then the k best of the k² sums. Keys and experts are shared by the heads.
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/einsum.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/topk.h>

#include <cmath>

#include "train/torch/ffn.h"
#include "train/torch/shared_batch_norm.h"

namespace expertoire::train {
namespace {

class Peer final : public Ffn {
 public:
  Peer(const ModelShape& shape, const std::string& prefix, Parameters& parameters)
      : n_(shape.peer_keys), heads_(shape.peer_heads), top_k_(shape.peer_topk) {
    const int64_t d = shape.hidden_size;
    const int64_t queries = heads_ * shape.peer_key_dim;
    const int64_t half = shape.peer_key_dim / 2;
    const std::string at = prefix + "mlp.";
    query_ = parameters.normal(at + "query.weight", {queries, d}, shape.initializer_range);
    norm_weight_ = parameters.constant(at + "query_norm.weight", {queries}, 1);
    norm_bias_ = parameters.constant(at + "query_norm.bias", {queries}, 0);
    running_mean_ = parameters.statistic(at + "query_norm.running_mean", {queries}, 0);
    running_var_ = parameters.statistic(at + "query_norm.running_var", {queries}, 1);
    const double key_deviation = 1 / std::sqrt(static_cast<double>(half));
    const double expert_deviation = 1 / std::sqrt(static_cast<double>(d));
    keys1_ = parameters.normal(at + "keys1", {n_, half}, key_deviation);
    keys2_ = parameters.normal(at + "keys2", {n_, half}, key_deviation);
    down_ = parameters.normal(at + "down", {n_ * n_, d}, expert_deviation);
    up_ = parameters.normal(at + "up", {n_ * n_, d}, expert_deviation);
  }

  Tensor forward(const Tensor& x, Pass& pass) override {
    const Tensor q = shared_batch_norm({norm_weight_, norm_bias_, running_mean_, running_var_},
                                       pass.linear(x, query_), pass)
                         .view({x.size(0), heads_, 2, -1});
    const auto [score1, id1] = at::topk(at::matmul(q.select(2, 0), keys1_.t()), top_k_, -1);
    const auto [score2, id2] = at::topk(at::matmul(q.select(2, 1), keys2_.t()), top_k_, -1);
    const Tensor sums = (score1.unsqueeze(-1) + score2.unsqueeze(-2)).flatten(-2);
    const auto [score, place] = at::topk(sums, top_k_, -1);
    const Tensor expert = id1.gather(-1, place.floor_divide(top_k_)) * n_ +
                          id2.gather(-1, place.remainder(top_k_));  // [tokens, heads, k]
    // embedding, not indexing: its backward runs in parallel and in a fixed order.
    const Tensor neuron = at::einsum("td,thkd->thk", {x, at::embedding(down_, expert)});
    const Tensor weighed = at::gelu(neuron) * score.softmax(-1);
    return at::einsum("thk,thkd->td", {weighed, at::embedding(up_, expert)});
  }

 private:
  int64_t n_, heads_, top_k_;
  Tensor query_, norm_weight_, norm_bias_, running_mean_, running_var_;
  Tensor keys1_, keys2_, down_, up_;
};

}  // namespace

std::unique_ptr<Ffn> make_peer(const ModelShape& shape, const std::string& prefix,
                               Parameters& parameters) {
  return std::make_unique<Peer>(shape, prefix, parameters);
}

}  // namespace expertoire::train
