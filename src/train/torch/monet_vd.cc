// Vertical decomposition (papers.md 1.5, arXiv 2412.04139 eq. 13 to 15).
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

// Order of the weights in the arguments below and in the gradients.
enum Weight : size_t { kU1, kBias1, kU2, kBias2, kV11, kV12, kV21, kV22, kB1, kB2, kWeights };
constexpr size_t kStraight[2] = {kV11, kV22};
constexpr size_t kCross[2] = {kV12, kV21};

// A layer's pass over all tokens: what is common to forward and backward.
template <class T>
class Vertical {
 public:
  // routing: scores, offsets, starts, tokens, pairs of side 0, then of side 1.
  Vertical(const Tensor& x, const variable_list& routing, const variable_list& weights,
           int64_t heads)
      : x_(x), weights_(weights), n_(weights[kB1].size(0)), d_(x.size(1)) {
    at_.p = weights[kU1].size(0) / n_;
    rows_ = 2 * at_.p + 1;
    for (size_t s = 0; s < 2; ++s) {
      const Tensor* part = &routing[5 * s];
      at_.side[s].kept = {part[1].const_data_ptr<int64_t>(), nullptr, part[0].const_data_ptr<T>(),
                          heads, n_};
      at_.side[s].pairs = part[4].const_data_ptr<int64_t>();
      pairs_[s] = {part[2].const_data_ptr<int64_t>(), part[3].const_data_ptr<int32_t>(),
                   pair_blocks(x.size(0)), n_};
      count_[s] = part[3].size(0);
      mixed_[s] = at::zeros({count_[s], rows_}, x.options());
      at_.side[s].mixed = mixed_[s].mutable_data_ptr<T>();
      down_[s] =
          at::cat({weights[kStraight[s]].t().reshape({n_, at_.p, -1}),
                   weights[kCross[s]].t().reshape({n_, at_.p, -1}), weights[kB1 + s].unsqueeze(1)},
                  1);
    }
  }

  // y [tokens, d], zero before; pre: [pairs, p] of each side, written.
  void forward(const variable_list& pre, const Tensor& y) {
    set_pre(pre);
    T* to = y.mutable_data_ptr<T>();
    for_blocks(x_.size(0), [&](int64_t block, int64_t first, int64_t last) {
      for (size_t s = 0; s < 2; ++s) up(s, block, pre[s].mutable_data_ptr<T>());
      vertical_forward(at_, first, last);
      for (int64_t s = 0; s < 2; ++s) {
        pair_sums(pairs_[s], down_shape(), block, down_[s].const_data_ptr<T>(), at_.side[s].mixed,
                  to + s * d_ / 2);
      }
    });
  }

  // Gradients of x (zero before), of the scores of both sides, and of the weights in their order.
  void backward(const variable_list& pre, const Tensor& dy, const Tensor& dx,
                const variable_list& scores, variable_list& dw) {
    set_pre(pre);
    MixingGradients<T> gradients[2];
    variable_list d_mixed, d_pre;
    for (size_t s = 0; s < 2; ++s) {
      d_mixed.push_back(at::empty_like(mixed_[s]));
      d_pre.push_back(at::zeros_like(pre[s]));
      gradients[s] = {d_mixed[s].const_data_ptr<T>(), d_pre[s].mutable_data_ptr<T>(),
                      scores[s].mutable_data_ptr<T>()};
    }
    const T* from = dy.const_data_ptr<T>();
    for_blocks(x_.size(0), [&](int64_t block, int64_t first, int64_t last) {
      vertical_forward(at_, first, last);
      for (size_t s = 0; s < 2; ++s) {
        pair_dots(pairs_[s], down_shape(), block, down_[s].const_data_ptr<T>(),
                  from + static_cast<int64_t>(s) * d_ / 2, d_mixed[s].mutable_data_ptr<T>());
      }
      vertical_backward(at_, gradients, first, last);
      for (size_t s = 0; s < 2; ++s) {
        pair_sums(pairs_[s], up_shape(), block, weights_[kU1 + 2 * s].const_data_ptr<T>(),
                  gradients[s].pre, dx.mutable_data_ptr<T>());
      }
    });
    for (size_t s = 0; s < 2; ++s) weight_gradients(s, dy, d_pre[s], dw);
  }

  variable_list new_pre() const {
    return {at::empty({count_[0], at_.p}, x_.options()),
            at::empty({count_[1], at_.p}, x_.options())};
  }

 private:
  PairShape up_shape() const { return {at_.p, d_, d_}; }
  PairShape down_shape() const { return {rows_, d_ / 2, d_}; }

  void set_pre(const variable_list& pre) {
    for (size_t s = 0; s < 2; ++s) at_.side[s].pre = pre[s].const_data_ptr<T>();
  }

  // pre = U x + b for the pairs of a block.
  void up(size_t s, int64_t block, T* pre) const {
    pair_dots(pairs_[s], up_shape(), block, weights_[kU1 + 2 * s].const_data_ptr<T>(),
              x_.const_data_ptr<T>(), pre);
    const T* bias = weights_[kBias1 + 2 * s].const_data_ptr<T>();
    for (int64_t key = 0; key < n_; ++key) {
      const int64_t* starts = pairs_[s].starts + block * n_ + key;
      for (int64_t q = starts[0]; q < starts[1]; ++q) {
        for (int64_t c = 0; c < at_.p; ++c) pre[q * at_.p + c] += bias[key * at_.p + c];
      }
    }
  }

  void weight_gradients(size_t s, const Tensor& dy, const Tensor& d_pre, variable_list& dw) const {
    const int64_t p = at_.p;
    const Tensor d_down = at::empty_like(down_[s]);
    dw[kU1 + 2 * s] = at::empty_like(weights_[kU1 + 2 * s]);
    dw[kBias1 + 2 * s] = at::zeros_like(weights_[kBias1 + 2 * s]);
    T* bias = dw[kBias1 + 2 * s].mutable_data_ptr<T>();
    const T* pre = d_pre.const_data_ptr<T>();
    for_keys(n_, [&](int64_t key) {
      pair_outer(pairs_[s], down_shape(), key, at_.side[s].mixed,
                 dy.const_data_ptr<T>() + static_cast<int64_t>(s) * d_ / 2,
                 d_down.mutable_data_ptr<T>());
      pair_outer(pairs_[s], up_shape(), key, pre, x_.const_data_ptr<T>(),
                 dw[kU1 + 2 * s].mutable_data_ptr<T>());
      for (int64_t block = 0; block < pairs_[s].blocks; ++block) {
        const int64_t* starts = pairs_[s].starts + block * n_ + key;
        for (int64_t q = starts[0]; q < starts[1]; ++q) {
          for (int64_t c = 0; c < p; ++c) bias[key * p + c] += pre[q * p + c];
        }
      }
    });
    const auto rows = [&](int64_t first, int64_t count) {
      return d_down.narrow(1, first, count).reshape({n_ * count, -1});
    };
    dw[kStraight[s]] = rows(0, p).t().contiguous();
    dw[kCross[s]] = rows(p, p).t().contiguous();
    dw[kB1 + s] = rows(2 * p, 1);
  }

  Tensor x_;
  variable_list weights_;
  int64_t n_, d_;
  int64_t rows_ = 0;
  int64_t count_[2] = {};
  PairView pairs_[2];
  Tensor mixed_[2];  ///< [pairs, rows]
  Tensor down_[2];   ///< [n, rows, d / 2]: what the rows of mixed_ weigh
  VerticalTokens<T> at_;
};

class MixVertical : public torch::autograd::Function<MixVertical> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& scores1,
                        const Tensor& scores2, const KeptKeys& a, const KeptKeys& b,
                        const Tensor& u1, const Tensor& bias1, const Tensor& u2,
                        const Tensor& bias2, const Tensor& v11, const Tensor& v12,
                        const Tensor& v21, const Tensor& v22, const Tensor& b1, const Tensor& b2,
                        int64_t heads) {
    const variable_list routing = {scores1, a.offsets, a.starts, a.tokens, a.pairs,
                                   scores2, b.offsets, b.starts, b.tokens, b.pairs};
    const variable_list weights = {u1, bias1, u2, bias2, v11, v12, v21, v22, b1, b2};
    const Tensor y = at::zeros_like(x);
    variable_list pre;
    with_type(x, [&]<class T>() {
      Vertical<T> layer(x, routing, weights, heads);
      pre = layer.new_pre();
      layer.forward(pre, y);
    });
    variable_list saved = {x, pre[0], pre[1]};
    saved.insert(saved.end(), routing.begin(), routing.end());
    saved.insert(saved.end(), weights.begin(), weights.end());
    context->save_for_backward(std::move(saved));
    context->saved_data["heads"] = heads;
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor& x = saved[0];
    const variable_list pre(saved.begin() + 1, saved.begin() + 3);
    const variable_list routing(saved.begin() + 3, saved.begin() + 13);
    const variable_list weights(saved.begin() + 13, saved.end());
    const Tensor dx = at::zeros_like(x);
    const variable_list scores = {at::empty_like(routing[0]), at::empty_like(routing[5])};
    variable_list dw(kWeights);
    const Tensor dy = gradients[0].contiguous();
    with_type(x, [&]<class T>() {
      Vertical<T>(x, routing, weights, context->saved_data["heads"].toInt())
          .backward(pre, dy, dx, scores, dw);
    });
    variable_list result = {dx, scores[0], scores[1], {}, {}};
    result.insert(result.end(), dw.begin(), dw.end());
    result.emplace_back();
    return result;
  }
};

class MonetVd final : public Ffn {
 public:
  MonetVd(const ModelShape& shape, const std::string& prefix, bool routes, Parameters& parameters)
      : heads_(shape.moe_heads) {
    if (routes) router_.emplace(shape, prefix, parameters);
    const int64_t n = shape.moe_experts;
    const int64_t d = shape.hidden_size;
    const int64_t neurons = n * (shape.moe_dim / 2);
    const double deviation = shape.initializer_range;
    const std::string at = prefix + "moe.";
    for (const char* u : {"u1", "u2"}) {
      weights_.push_back(parameters.normal(at + u + ".weight", {neurons, d}, deviation));
      weights_.push_back(parameters.constant(at + u + ".bias", {neurons}, 0));
    }
    for (const char* v : {"v11", "v12", "v21", "v22"}) {
      weights_.push_back(parameters.normal(at + v + ".weight", {d / 2, neurons}, deviation));
    }
    for (const char* b : {"b1", "b2"}) {
      weights_.push_back(parameters.constant(at + b, {n, d / 2}, 0));
    }
  }

  Tensor forward(const Tensor& x, Pass& pass) override {
    if (router_) router_->route(x, pass);
    const KeptKeys& a = pass.routing->side[0];
    const KeptKeys& b = pass.routing->side[1];
    if (pass.dense) return mix_dense(x, a.dense, b.dense, pass);
    const auto& w = weights_;
    return MixVertical::apply(x, a.scores, b.scores, a, b, w[kU1], w[kBias1], w[kU2], w[kBias2],
                              w[kV11], w[kV12], w[kV21], w[kV22], w[kB1], w[kB2], heads_);
  }

 private:
  // Plain operators; g: [tokens, heads, n]. Contractions over keys go head by head, never over the
  // joint experts.
  Tensor mix_dense(const Tensor& x, const Tensor& g1, const Tensor& g2, const Pass& pass) const {
    const auto& w = weights_;
    const int64_t n = g1.size(2);
    const auto neurons = [&](size_t u) {
      return at::relu(pass.linear(x, w[u], w[u + 1])).square().view({x.size(0), n, -1});
    };
    const Tensor x1 = neurons(kU1);
    const Tensor x2 = neurons(kU2);
    const Tensor y1 = at::bmm(g1, x1);  // [tokens, heads, p]
    const Tensor y2 = at::bmm(g2, x2);
    const Tensor s1 = g1.sum(1);
    const Tensor s2 = g2.sum(1);
    const Tensor top = pass.linear((x1 * s1.unsqueeze(-1)).flatten(1), w[kV11]) +
                       pass.linear(at::bmm(g1.transpose(1, 2), y2).flatten(1), w[kV12]) +
                       at::mm(s1, w[kB1]);
    const Tensor bottom = pass.linear(at::bmm(g2.transpose(1, 2), y1).flatten(1), w[kV21]) +
                          pass.linear((x2 * s2.unsqueeze(-1)).flatten(1), w[kV22]) +
                          at::mm(s2, w[kB2]);
    return at::cat({top, bottom}, -1);
  }

  int64_t heads_;
  std::optional<MonetRouter> router_;
  std::vector<Tensor> weights_;  ///< in the order of Weight
};

}  // namespace

std::unique_ptr<Ffn> make_monet_vd(const ModelShape& shape, const std::string& prefix, bool routes,
                                   Parameters& parameters) {
  return std::make_unique<MonetVd>(shape, prefix, routes, parameters);
}

}  // namespace expertoire::train
