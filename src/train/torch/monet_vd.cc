// Vertical decomposition (papers.md 1.5, arXiv 2412.04139 eq. 13 to 15).
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

// Order of the weights in the arguments below and in the gradients.
enum Weight : size_t { kU1, kBias1, kU2, kBias2, kV11, kV12, kV21, kV22, kB1, kB2, kWeights };

// Memory of one block of tokens, used again for the next.
struct Buffers {
  Tensor mixed[4];  ///< [block, n·p]: inputs of v11, v12, v21, v22
  Tensor sums[2];   ///< [block, n]

  Buffers(int64_t rows, int64_t n, int64_t p, const at::TensorOptions& options) {
    for (Tensor& tensor : mixed) tensor = at::empty({rows, n * p}, options);
    for (Tensor& tensor : sums) tensor = at::empty({rows, n}, options);
  }
};

class MixVertical : public torch::autograd::Function<MixVertical> {
 public:
  // args: x, scores1, offsets1, keys1, scores2, offsets2, keys2, then the weights.
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& scores1,
                        const Tensor& offsets1, const Tensor& keys1, const Tensor& scores2,
                        const Tensor& offsets2, const Tensor& keys2, const Tensor& u1,
                        const Tensor& bias1, const Tensor& u2, const Tensor& bias2,
                        const Tensor& v11, const Tensor& v12, const Tensor& v21, const Tensor& v22,
                        const Tensor& b1, const Tensor& b2, int64_t heads) {
    const variable_list kept = {scores1, offsets1, keys1, scores2, offsets2, keys2};
    const variable_list weights = {u1, bias1, u2, bias2, v11, v12, v21, v22, b1, b2};
    const Tensor pre1 = at::linear(x, u1, bias1);
    const Tensor pre2 = at::linear(x, u2, bias2);
    const Tensor y = at::empty_like(x);
    with_type(x, [&]<class T>() {
      Block<T> block(kept, weights, {pre1, pre2}, heads);
      for (int64_t first = 0; first < x.size(0); first += kBlockTokens) {
        block.mix(first, std::min(kBlockTokens, x.size(0) - first));
        block.write(y);
      }
    });
    variable_list saved = {x, pre1, pre2};
    saved.insert(saved.end(), kept.begin(), kept.end());
    saved.insert(saved.end(), weights.begin(), weights.end());
    context->save_for_backward(std::move(saved));
    context->saved_data["heads"] = heads;
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor& x = saved[0];
    const variable_list kept(saved.begin() + 3, saved.begin() + 9);
    const variable_list weights(saved.begin() + 9, saved.end());
    const Tensor dx = at::empty_like(x);
    variable_list scores = {at::empty_like(kept[0]), at::empty_like(kept[3])};
    variable_list dw;
    for (const Tensor& weight : weights) dw.push_back(at::zeros_like(weight));
    const Tensor dy = gradients[0].contiguous();
    with_type(x, [&]<class T>() {
      Block<T> block(kept, weights, {saved[1], saved[2]}, context->saved_data["heads"].toInt());
      Buffers d = block.like();
      for (int64_t first = 0; first < x.size(0); first += kBlockTokens) {
        const int64_t rows = std::min(kBlockTokens, x.size(0) - first);
        block.mix(first, rows);
        block.backward(x.narrow(0, first, rows), dy.narrow(0, first, rows), d, scores, dw,
                       dx.narrow(0, first, rows));
      }
    });
    variable_list result = {dx, scores[0], {}, {}, scores[1], {}, {}};
    result.insert(result.end(), dw.begin(), dw.end());
    result.emplace_back();
    return result;
  }

 private:
  // A block of tokens between u and v.
  template <class T>
  class Block {
   public:
    Block(const variable_list& kept, const variable_list& weights, variable_list pre, int64_t heads)
        : weights_(weights),
          pre_(std::move(pre)),
          n_(weights[kB1].size(0)),
          p_(weights[kU1].size(0) / n_),
          rows_(std::min(kBlockTokens, pre_[0].size(0))),
          buffers_(rows_, n_, p_, pre_[0].options()) {
      for (size_t s = 0; s < 2; ++s) {
        at_.side[s] = kept_view<T>(kept[3 * s], kept[3 * s + 1], kept[3 * s + 2], heads, n_);
      }
      at_.p = p_;
      for (size_t i = 0; i < 4; ++i) at_.mixed[i] = buffers_.mixed[i].mutable_data_ptr<T>();
      for (size_t s = 0; s < 2; ++s) at_.sums[s] = buffers_.sums[s].mutable_data_ptr<T>();
    }

    Buffers like() const { return {std::min(kBlockTokens, rows_), n_, p_, pre_[0].options()}; }

    // Fills the buffers with the inputs of v for tokens [first, first + rows).
    void mix(int64_t first, int64_t rows) {
      at_.first = first;
      rows_ = rows;
      for (size_t s = 0; s < 2; ++s) {
        at_.pre[s] = pre_[s].const_data_ptr<T>() + first * n_ * p_;
      }
      at::parallel_for(0, rows, kGrain,
                       [&](int64_t begin, int64_t end) { vertical_forward(at_, begin, end); });
    }

    // The block's rows of y [tokens, d]: top half from v11, v12, b1, bottom from v21, v22, b2.
    void write(const Tensor& y) const {
      for (int s = 0; s < 2; ++s) {
        Tensor half = y.narrow(0, at_.first, rows_).chunk(2, 1)[static_cast<size_t>(s)];
        at::mm_out(half, sums(s), weights_[kB1 + static_cast<size_t>(s)]);
        for (int i = 2 * s; i < 2 * s + 2; ++i) {
          add_product(half, mixed(i), weights_[kV11 + static_cast<size_t>(i)].t());
        }
      }
    }

    void backward(const Tensor& x, const Tensor& dy, Buffers& d, const variable_list& scores,
                  const variable_list& dw, Tensor dx) {
      const std::vector<Tensor> halves = dy.chunk(2, 1);
      VerticalGradients<T> gradients;
      for (size_t i = 0; i < 4; ++i) {
        Tensor to = d.mixed[i].narrow(0, 0, rows_);
        at::mm_out(to, halves[i / 2], weights_[kV11 + i]);
        add_product(dw[kV11 + i], halves[i / 2].t(), mixed(static_cast<int>(i)));
        gradients.mixed[i] = to.template const_data_ptr<T>();
      }
      for (size_t s = 0; s < 2; ++s) {
        Tensor to = d.sums[s].narrow(0, 0, rows_);
        at::mm_out(to, halves[s], weights_[kB1 + s].t());
        add_product(dw[kB1 + s], sums(static_cast<int>(s)).t(), halves[s]);
        gradients.sums[s] = to.template const_data_ptr<T>();
        gradients.scores[s] = scores[s].mutable_data_ptr<T>();
        // The inputs of v are used up: their memory takes the gradients before u.
        gradients.pre[s] = buffers_.mixed[s].mutable_data_ptr<T>();
      }
      at::parallel_for(0, rows_, kGrain, [&](int64_t begin, int64_t end) {
        vertical_backward(at_, gradients, begin, end);
      });
      for (size_t s = 0; s < 2; ++s) {
        const Tensor dpre = mixed(static_cast<int>(s));
        const size_t u = kU1 + 2 * s;
        add_product(dw[u], dpre.t(), x);
        dw[u + 1].add_(dpre.sum(0));
        s == 0 ? at::mm_out(dx, dpre, weights_[u]) : at::addmm_out(dx, dx, dpre, weights_[u]);
      }
    }

   private:
    Tensor mixed(int i) const { return buffers_.mixed[i].narrow(0, 0, rows_); }
    Tensor sums(int s) const { return buffers_.sums[s].narrow(0, 0, rows_); }

    const variable_list& weights_;
    variable_list pre_;
    int64_t n_, p_, rows_;
    Buffers buffers_;
    VerticalTokens<T> at_;
  };
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
    return MixVertical::apply(x, a.scores, a.offsets, a.keys, b.scores, b.offsets, b.keys, w[kU1],
                              w[kBias1], w[kU2], w[kBias2], w[kV11], w[kV12], w[kV21], w[kV22],
                              w[kB1], w[kB2], heads_);
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
