// Horizontal decomposition (papers.md 1.4, arXiv 2412.04139 eq. 6 and 12).
#include <ATen/Parallel.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/relu.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>

#include "train/torch/ffn.h"
#include "train/torch/kept_view.h"
#include "train/torch/monet_router.h"
#include "train/torch/products.h"

namespace expertoire::train {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kGrain = 8;  // tokens worth a thread

enum Weight : size_t { kU, kBias, kV, kB, kWeights };

class MixHorizontal : public torch::autograd::Function<MixHorizontal> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& scores1,
                        const Tensor& offsets1, const Tensor& keys1, const Tensor& scores2,
                        const Tensor& offsets2, const Tensor& keys2, const Tensor& u,
                        const Tensor& bias, const Tensor& v, const Tensor& b, int64_t heads) {
    const variable_list kept = {scores1, offsets1, keys1, scores2, offsets2, keys2};
    const variable_list weights = {u, bias, v, b};
    const Tensor pre = at::linear(x, u, bias);
    const Tensor y = at::empty_like(x);
    with_type(x, [&]<class T>() {
      Block<T> block(kept, weights, pre, heads);
      for (int64_t first = 0; first < x.size(0); first += kBlockTokens) {
        block.mix(first, std::min(kBlockTokens, x.size(0) - first));
        block.write(y);
      }
    });
    variable_list saved = {x, pre};
    saved.insert(saved.end(), kept.begin(), kept.end());
    saved.insert(saved.end(), weights.begin(), weights.end());
    context->save_for_backward(std::move(saved));
    context->saved_data["heads"] = heads;
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor& x = saved[0];
    const variable_list kept(saved.begin() + 2, saved.begin() + 8);
    const variable_list weights(saved.begin() + 8, saved.end());
    const Tensor dx = at::empty_like(x);
    variable_list scores = {at::empty_like(kept[0]), at::empty_like(kept[3])};
    variable_list dw;
    for (const Tensor& weight : weights) dw.push_back(at::zeros_like(weight));
    const Tensor dy = gradients[0].contiguous();
    with_type(x, [&]<class T>() {
      Block<T> block(kept, weights, saved[1], context->saved_data["heads"].toInt());
      for (int64_t first = 0; first < x.size(0); first += kBlockTokens) {
        const int64_t rows = std::min(kBlockTokens, x.size(0) - first);
        block.mix(first, rows);
        block.backward(x.narrow(0, first, rows), dy.narrow(0, first, rows), scores, dw,
                       dx.narrow(0, first, rows));
      }
    });
    variable_list result = {dx, scores[0], {}, {}, scores[1], {}, {}};
    result.insert(result.end(), dw.begin(), dw.end());
    result.emplace_back();
    return result;
  }

 private:
  // A block of tokens between u and v; its memory is used again for the next.
  template <class T>
  class Block {
   public:
    Block(const variable_list& kept, const variable_list& weights, Tensor pre, int64_t heads)
        : weights_(weights),
          pre_(std::move(pre)),
          n_(weights[kB].size(0)),
          p_(weights[kU].size(0) / n_),
          rows_(std::min(kBlockTokens, pre_.size(0))),
          mixed_(at::empty({rows_, n_ * p_}, pre_.options())),
          sums_(at::empty({rows_, n_}, pre_.options())) {
      for (size_t s = 0; s < 2; ++s) {
        at_.side[s] = kept_view<T>(kept[3 * s], kept[3 * s + 1], kept[3 * s + 2], heads, n_);
      }
      at_.p = p_;
      at_.mixed = mixed_.mutable_data_ptr<T>();
      at_.sums = sums_.mutable_data_ptr<T>();
    }

    void mix(int64_t first, int64_t rows) {
      at_.first = first;
      rows_ = rows;
      at_.pre = pre_.const_data_ptr<T>() + first * n_ * p_;
      at::parallel_for(0, rows, kGrain,
                       [&](int64_t begin, int64_t end) { horizontal_forward(at_, begin, end); });
    }

    void write(const Tensor& y) const {
      Tensor to = y.narrow(0, at_.first, rows_);
      at::mm_out(to, sums(), weights_[kB]);
      add_product(to, mixed(), weights_[kV].t());
    }

    void backward(const Tensor& x, const Tensor& dy, const variable_list& scores,
                  const variable_list& dw, Tensor dx) {
      if (!d_mixed_.defined()) d_mixed_ = at::empty_like(mixed_);
      Tensor to = d_mixed_.narrow(0, 0, rows_);
      at::mm_out(to, dy, weights_[kV]);
      add_product(dw[kV], dy.t(), mixed());
      add_product(dw[kB], sums().t(), dy);
      const Tensor d_sums = at::mm(dy, weights_[kB].t());
      // The input of v is used up: its memory takes the gradient before u.
      const HorizontalGradients<T> gradients = {
          to.template const_data_ptr<T>(),
          d_sums.template const_data_ptr<T>(),
          mixed_.mutable_data_ptr<T>(),
          {scores[0].mutable_data_ptr<T>(), scores[1].mutable_data_ptr<T>()}};
      at::parallel_for(0, rows_, kGrain, [&](int64_t begin, int64_t end) {
        horizontal_backward(at_, gradients, begin, end);
      });
      add_product(dw[kU], mixed().t(), x);
      dw[kBias].add_(mixed().sum(0));
      at::mm_out(dx, mixed(), weights_[kU]);
    }

   private:
    Tensor mixed() const { return mixed_.narrow(0, 0, rows_); }
    Tensor sums() const { return sums_.narrow(0, 0, rows_); }

    const variable_list& weights_;
    Tensor pre_;
    int64_t n_, p_, rows_;
    Tensor mixed_;    ///< [block, n·p]: input of v
    Tensor sums_;     ///< [block, n]
    Tensor d_mixed_;  ///< like mixed_
    HorizontalTokens<T> at_;
  };
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
    return MixHorizontal::apply(x, a.scores, a.offsets, a.keys, b.scores, b.offsets, b.keys, u_,
                                bias_, v_, b_, heads_);
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
