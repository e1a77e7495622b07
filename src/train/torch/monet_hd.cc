// Horizontal decomposition (papers.md 1.4, arXiv 2412.04139 eq. 6 and 12).
#include <ATen/ops/bmm.h>
#include <ATen/ops/relu.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>

#include "train/pair_products.h"
#include "train/torch/ffn.h"
#include "train/torch/kept_view.h"
#include "train/torch/monet_router.h"
#include "train/torch/pairs.h"

namespace expertoire::train {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

enum Weight : size_t { kU, kBias, kV, kB, kWeights };

// A layer's pass over all tokens: what is common to forward and backward.
template <class T>
class Horizontal {
 public:
  // routing: scores, offsets, starts, tokens, pairs of side 0, then of side 1.
  Horizontal(const Tensor& x, const variable_list& routing, const variable_list& weights,
             int64_t heads)
      : x_(x), weights_(weights), n_(weights[kB].size(0)), d_(x.size(1)) {
    at_.p = weights[kU].size(0) / n_;
    for (size_t s = 0; s < 2; ++s) {
      const Tensor* part = &routing[5 * s];
      at_.side[s].kept = {part[1].const_data_ptr<int64_t>(), nullptr, part[0].const_data_ptr<T>(),
                          heads, n_};
      at_.side[s].pairs = part[4].const_data_ptr<int64_t>();
      pairs_[s] = {part[2].const_data_ptr<int64_t>(), part[3].const_data_ptr<int32_t>(),
                   pair_blocks(x.size(0)), n_};
      count_[s] = part[3].size(0);
    }
    mixed_ = at::zeros({count_[1], at_.p + 1}, x.options());
    at_.side[1].mixed = mixed_.mutable_data_ptr<T>();
    down_ = at::cat({weights[kV].t().reshape({n_, at_.p, d_}), weights[kB].unsqueeze(1)}, 1);
  }

  Tensor new_pre() const { return at::empty({count_[0], at_.p}, x_.options()); }

  // y [tokens, d], zero before; pre: [pairs of side 0, p], written.
  void forward(const Tensor& pre, const Tensor& y) {
    at_.side[0].pre = pre.const_data_ptr<T>();
    for_blocks(x_.size(0), [&](int64_t block, int64_t first, int64_t last) {
      up(block, pre.mutable_data_ptr<T>());
      horizontal_forward(at_, first, last);
      pair_sums(pairs_[1], down_shape(), block, down_.const_data_ptr<T>(), at_.side[1].mixed,
                y.mutable_data_ptr<T>());
    });
  }

  // Gradients of x (zero before), of the scores of both sides, and of the weights in their order.
  void backward(const Tensor& pre, const Tensor& dy, const Tensor& dx, const variable_list& scores,
                variable_list& dw) {
    at_.side[0].pre = pre.const_data_ptr<T>();
    const Tensor d_mixed = at::empty_like(mixed_);
    const Tensor d_pre = at::zeros_like(pre);
    const MixingGradients<T> gradients[2] = {
        {nullptr, d_pre.mutable_data_ptr<T>(), scores[0].mutable_data_ptr<T>()},
        {d_mixed.const_data_ptr<T>(), nullptr, scores[1].mutable_data_ptr<T>()}};
    for_blocks(x_.size(0), [&](int64_t block, int64_t first, int64_t last) {
      horizontal_forward(at_, first, last);
      pair_dots(pairs_[1], down_shape(), block, down_.const_data_ptr<T>(), dy.const_data_ptr<T>(),
                d_mixed.mutable_data_ptr<T>());
      horizontal_backward(at_, gradients, first, last);
      pair_sums(pairs_[0], up_shape(), block, weights_[kU].const_data_ptr<T>(), gradients[0].pre,
                dx.mutable_data_ptr<T>());
    });
    weight_gradients(dy, d_pre, dw);
  }

 private:
  PairShape up_shape() const { return {at_.p, d_, d_}; }
  PairShape down_shape() const { return {at_.p + 1, d_, d_}; }

  // pre = U x + b for the pairs of a block.
  void up(int64_t block, T* pre) const {
    pair_dots(pairs_[0], up_shape(), block, weights_[kU].const_data_ptr<T>(),
              x_.const_data_ptr<T>(), pre);
    const T* bias = weights_[kBias].const_data_ptr<T>();
    for (int64_t key = 0; key < n_; ++key) {
      const int64_t* starts = pairs_[0].starts + block * n_ + key;
      for (int64_t q = starts[0]; q < starts[1]; ++q) {
        for (int64_t c = 0; c < at_.p; ++c) pre[q * at_.p + c] += bias[key * at_.p + c];
      }
    }
  }

  void weight_gradients(const Tensor& dy, const Tensor& d_pre, variable_list& dw) const {
    const int64_t p = at_.p;
    const Tensor d_down = at::empty_like(down_);
    dw[kU] = at::empty_like(weights_[kU]);
    dw[kBias] = at::zeros_like(weights_[kBias]);
    T* bias = dw[kBias].mutable_data_ptr<T>();
    const T* pre = d_pre.const_data_ptr<T>();
    for_keys(n_, [&](int64_t key) {
      pair_outer(pairs_[1], down_shape(), key, at_.side[1].mixed, dy.const_data_ptr<T>(),
                 d_down.mutable_data_ptr<T>());
      pair_outer(pairs_[0], up_shape(), key, pre, x_.const_data_ptr<T>(),
                 dw[kU].mutable_data_ptr<T>());
      for (int64_t block = 0; block < pairs_[0].blocks; ++block) {
        const int64_t* starts = pairs_[0].starts + block * n_ + key;
        for (int64_t q = starts[0]; q < starts[1]; ++q) {
          for (int64_t c = 0; c < p; ++c) bias[key * p + c] += pre[q * p + c];
        }
      }
    });
    dw[kV] = d_down.narrow(1, 0, p).reshape({n_ * p, d_}).t().contiguous();
    dw[kB] = d_down.select(1, p).contiguous();
  }

  Tensor x_;
  variable_list weights_;
  int64_t n_, d_;
  int64_t count_[2] = {};
  PairView pairs_[2];
  Tensor mixed_;  ///< [pairs of side 1, p + 1]
  Tensor down_;   ///< [n, p + 1, d]: what the rows of mixed_ weigh
  HorizontalTokens<T> at_;
};

class MixHorizontal : public torch::autograd::Function<MixHorizontal> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& scores1,
                        const Tensor& scores2, const KeptKeys& a, const KeptKeys& b,
                        const Tensor& u, const Tensor& bias, const Tensor& v, const Tensor& out,
                        int64_t heads) {
    const variable_list routing = {scores1, a.offsets, a.starts, a.tokens, a.pairs,
                                   scores2, b.offsets, b.starts, b.tokens, b.pairs};
    const variable_list weights = {u, bias, v, out};
    const Tensor y = at::zeros_like(x);
    Tensor pre;
    with_type(x, [&]<class T>() {
      Horizontal<T> layer(x, routing, weights, heads);
      pre = layer.new_pre();
      layer.forward(pre, y);
    });
    variable_list saved = {x, pre};
    saved.insert(saved.end(), routing.begin(), routing.end());
    saved.insert(saved.end(), weights.begin(), weights.end());
    context->save_for_backward(std::move(saved));
    context->saved_data["heads"] = heads;
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor& x = saved[0];
    const variable_list routing(saved.begin() + 2, saved.begin() + 12);
    const variable_list weights(saved.begin() + 12, saved.end());
    const Tensor dx = at::zeros_like(x);
    const variable_list scores = {at::empty_like(routing[0]), at::empty_like(routing[5])};
    variable_list dw(kWeights);
    const Tensor dy = gradients[0].contiguous();
    with_type(x, [&]<class T>() {
      Horizontal<T>(x, routing, weights, context->saved_data["heads"].toInt())
          .backward(saved[1], dy, dx, scores, dw);
    });
    variable_list result = {dx, scores[0], scores[1], {}, {}};
    result.insert(result.end(), dw.begin(), dw.end());
    result.emplace_back();
    return result;
  }
};

class MonetHd final : public Ffn {
 public:
  MonetHd(const ModelShape& shape, const std::string& prefix, bool routes, Parameters& parameters)
      : heads_(shape.moe_heads) {
    if (routes) router_.emplace(shape, prefix, parameters);
    const int64_t n = shape.moe_experts;
    const int64_t d = shape.hidden_size;
    const int64_t neurons = n * shape.moe_dim;
    const double deviation = shape.initializer_range;
    const std::string at = prefix + "moe.";
    u_ = parameters.normal(at + "u.weight", {neurons, d}, deviation);
    bias_ = parameters.constant(at + "u.bias", {neurons}, 0);
    v_ = parameters.normal(at + "v.weight", {d, neurons}, deviation);
    b_ = parameters.constant(at + "b", {n, d}, 0);
  }

  Tensor forward(const Tensor& x, Pass& pass) override {
    if (router_) router_->route(x, pass);
    const KeptKeys& a = pass.routing->side[0];
    const KeptKeys& b = pass.routing->side[1];
    if (pass.dense) return mix_dense(x, a.dense, b.dense, pass);
    return MixHorizontal::apply(x, a.scores, b.scores, a, b, u_, bias_, v_, b_, heads_);
  }

 private:
  // Plain operators; g: [tokens, heads, n].
  Tensor mix_dense(const Tensor& x, const Tensor& g1, const Tensor& g2, const Pass& pass) const {
    const Tensor a = at::relu(pass.linear(x, u_, bias_)).square().view({x.size(0), g1.size(2), -1});
    const Tensor mixed = at::bmm(g2.transpose(1, 2), at::bmm(g1, a));  // [tokens, n, m]
    return pass.linear(mixed.flatten(1), v_) + at::mm(g2.sum(1), b_);
  }

  int64_t heads_;
  std::optional<MonetRouter> router_;
  Tensor u_, bias_, v_, b_;
};

}  // namespace

std::unique_ptr<Ffn> make_monet_hd(const ModelShape& shape, const std::string& prefix, bool routes,
                                   Parameters& parameters) {
  return std::make_unique<MonetHd>(shape, prefix, routes, parameters);
}

}  // namespace expertoire::train
