#include "train/torch/monet_router.h"

#include <ATen/Parallel.h>
#include <ATen/ops/full.h>
#include <ATen/ops/softmax.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

#include "base/normal_quantile.h"
#include "train/pair_products.h"
#include "train/torch/kept_view.h"
#include "train/torch/monet_losses.h"
#include "train/torch/pairs.h"
#include "train/torch/processes.h"
#include "train/torch/shared_batch_norm.h"

namespace expertoire::train {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kMomentRows = 64;  // a block whose sums are added in a fixed order
constexpr int64_t kGrain = 16;       // tokens worth a thread

// [2, columns] double: Σ z and Σ z² over all rows, whatever the number of threads.
Tensor column_moments(const Tensor& z) {
  const int64_t rows = z.size(0);
  const int64_t columns = z.size(1);
  const int64_t blocks = (rows + kMomentRows - 1) / kMomentRows;
  const Tensor partial = at::zeros({blocks, 2, columns}, at::kDouble);
  auto* sums = partial.mutable_data_ptr<double>();
  with_type(z, [&]<class T>() {
    const T* values = z.const_data_ptr<T>();
    at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        add_column_moments(values, columns, b * kMomentRows, std::min(rows, (b + 1) * kMomentRows),
                           sums + 2 * b * columns, sums + (2 * b + 1) * columns);
      }
    });
  });
  return partial.sum(0);
}

struct Statistics {
  Tensor mean, var;  ///< double, [heads] or [heads·n]
  double count = 0;  ///< values behind each
};

Statistics batch_statistics(const Tensor& z, int64_t heads, bool per_key, Processes* processes) {
  Tensor moments = column_moments(z);
  Tensor rows = at::full({1}, static_cast<double>(z.size(0)), at::kDouble);
  if (processes != nullptr) {
    processes->sum(moments);
    processes->sum(rows);
  }
  double count = rows.item<double>();
  if (!per_key) {
    count *= static_cast<double>(z.size(1) / heads);
    moments = moments.view({2, heads, -1}).sum(-1);
  }
  const Tensor mean = moments[0] / count;
  return {mean, (moments[1] / count - mean.square()).clamp_min(0), count};
}

// Per key, whatever the norm: mean and 1/√(var + eps) as the kernels read them, in z's type.
std::pair<Tensor, Tensor> key_rule(const Tensor& mean, const Tensor& var, int64_t columns,
                                   const Tensor& z) {
  const auto spread = [&](const Tensor& values) {
    return values.to(z.scalar_type()).repeat_interleave(columns / values.size(0));
  };
  return {spread(mean), spread((var.to(at::kDouble) + kBatchNormEps).rsqrt())};
}

// z = x·wᵀ → the kept keys and their softmax. Neither z nor its gradient outlives a call.
class KeepKeys : public torch::autograd::Function<KeepKeys> {
 public:
  struct Rule {
    int64_t heads = 0;
    int64_t n = 0;
    bool per_key = false;
    double threshold = 0;
    double momentum = 0;
    const Pass* pass = nullptr;
  };

  static variable_list forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                               const Tensor& running_mean, const Tensor& running_var,
                               const Rule& rule) {
    const Tensor z = at::linear(x, weight);
    Tensor mean = running_mean;
    Tensor var = running_var;
    if (rule.pass->training && !rule.pass->frozen_router) {
      const Statistics now = batch_statistics(z, rule.heads, rule.per_key, rule.pass->processes);
      update_running(running_mean, running_var, now.mean, now.var, now.count, rule.momentum);
      mean = now.mean;
      var = now.var;
    }
    variable_list result;
    with_type(z, [&]<class T>() { result = select<T>(z, mean, var, rule); });
    context->save_for_backward({x, weight, result[0], result[1], result[2]});
    context->saved_data["heads"] = rule.heads;
    context->saved_data["n"] = rule.n;
    context->mark_non_differentiable({result[1], result[2]});
    return result;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const int64_t heads = context->saved_data["heads"].toInt();
    const int64_t n = context->saved_data["n"].toInt();
    variable_list result(5);
    with_type(saved[0], [&]<class T>() {
      const auto kept = kept_view<T>(saved[2], saved[3], saved[4], heads, n);
      const Tensor logits = at::empty_like(saved[2]);
      const Tensor scores = gradients[0].contiguous();
      kept_softmax_backward(kept, scores.template const_data_ptr<T>(), 0, saved[0].size(0),
                            logits.template mutable_data_ptr<T>());
      std::tie(result[0], result[1]) = products<T>(saved[0], saved[1], kept, logits);
    });
    return result;
  }

 private:
  template <class T>
  static variable_list select(const Tensor& z, const Tensor& mean, const Tensor& var,
                              const Rule& rule) {
    const auto [key_mean, key_scale] = key_rule(mean, var, z.size(1), z);
    const SelectionRule<T> selection = {key_mean.template const_data_ptr<T>(),
                                        key_scale.template const_data_ptr<T>(),
                                        static_cast<T>(rule.threshold), rule.heads, rule.n};
    const int64_t tokens = z.size(0);
    const T* values = z.const_data_ptr<T>();
    const Tensor offsets = at::zeros({tokens * rule.heads + 1}, at::kLong);
    auto* at_row = offsets.mutable_data_ptr<int64_t>();
    at::parallel_for(0, tokens, kGrain, [&](int64_t begin, int64_t end) {
      count_kept(selection, values, begin, end, at_row + 1);
    });
    for (int64_t row = 0; row < tokens * rule.heads; ++row) at_row[row + 1] += at_row[row];
    const int64_t entries = at_row[tokens * rule.heads];
    const Tensor keys = at::empty({entries}, at::kInt);
    const Tensor scores = at::empty({entries}, z.options());
    at::parallel_for(0, tokens, kGrain, [&](int64_t begin, int64_t end) {
      fill_kept(selection, values, begin, end, at_row, keys.mutable_data_ptr<int32_t>(),
                scores.template mutable_data_ptr<T>());
    });
    return {scores, offsets, keys};
  }

  // Gradients of x and the weight from those of the kept logits: a pair is an entry here.
  template <class T>
  static std::pair<Tensor, Tensor> products(const Tensor& x, const Tensor& weight,
                                            const KeptView<T>& kept, const Tensor& logits) {
    const int64_t d = x.size(1);
    const PairLists lists =
        list_pairs({kept.offsets, kept.keys, x.size(0), kept.heads, kept.n, true});
    const Tensor c = at::empty_like(logits).index_copy_(0, lists.pairs, logits);
    const Tensor dx = at::zeros_like(x);
    const Tensor dw = at::empty_like(weight);
    const PairView pairs = lists.view();
    const PairShape shape = {1, d, d};
    const T* factors = c.const_data_ptr<T>();
    for_blocks(x.size(0), [&](int64_t block, int64_t, int64_t) {
      pair_sums(pairs, shape, block, weight.const_data_ptr<T>(), factors,
                dx.template mutable_data_ptr<T>());
    });
    for_keys(weight.size(0), [&](int64_t key) {
      pair_outer(pairs, shape, key, factors, x.const_data_ptr<T>(),
                 dw.template mutable_data_ptr<T>());
    });
    return {dx, dw};
  }
};

}  // namespace

MonetRouter::MonetRouter(const ModelShape& shape, const std::string& prefix, Parameters& parameters)
    : heads_(shape.moe_heads),
      n_(shape.moe_experts),
      per_key_(shape.router_norm == RouterNorm::kKey),
      threshold_(normal_quantile(1 - static_cast<double>(shape.moe_topk) /
                                         static_cast<double>(shape.moe_experts))),
      momentum_(shape.router_momentum) {
  const int64_t statistics = per_key_ ? heads_ * n_ : heads_;
  for (int s = 0; s < 2; ++s) {
    const std::string number = s == 0 ? "1" : "2";
    const std::string norm = prefix + "router.norm" + number + ".";
    sides_[s].weight =
        parameters.normal(prefix + "router.w" + number + ".weight",
                          {heads_ * n_, shape.hidden_size}, shape.router_initializer_range);
    sides_[s].running_mean = parameters.statistic(norm + "running_mean", {statistics}, 0);
    sides_[s].running_var = parameters.statistic(norm + "running_var", {statistics}, 1);
  }
}

KeptKeys MonetRouter::keep(const Side& side, const Tensor& x, const Pass& pass) const {
  const variable_list kept =
      KeepKeys::apply(x, side.weight, side.running_mean, side.running_var,
                      KeepKeys::Rule{heads_, n_, per_key_, threshold_,
                                     pass.router_momentum.value_or(momentum_), &pass});
  const PairLists lists =
      list_pairs({kept[1].const_data_ptr<int64_t>(), kept[2].const_data_ptr<int32_t>(), x.size(0),
                  heads_, n_, false});
  return {kept[0], kept[1], kept[2], lists.starts, lists.tokens, lists.pairs, {}};
}

// The rule in plain operators, on any device.
KeptKeys MonetRouter::keep_dense(const Side& side, const Tensor& x, const Pass& pass) const {
  const Tensor z = at::linear(x, side.weight).view({-1, heads_, n_});
  Tensor keep;
  {
    const at::NoGradGuard no_grad;
    const Tensor values = z.detach().to(at::kDouble);
    Tensor mean = side.running_mean.to(at::kDouble);
    Tensor var = side.running_var.to(at::kDouble);
    if (pass.training && !pass.frozen_router) {
      const std::vector<int64_t> over =
          per_key_ ? std::vector<int64_t>{0} : std::vector<int64_t>{0, 2};
      Tensor moments = at::stack({values.sum(over), values.square().sum(over)});
      Tensor rows = at::full({1}, static_cast<double>(z.size(0)), values.options());
      if (pass.processes != nullptr) {
        pass.processes->sum(moments);
        pass.processes->sum(rows);
      }
      const double count = rows.item<double>() * (per_key_ ? 1 : static_cast<double>(n_));
      mean = moments[0] / count;
      var = moments[1] / count - mean.square();
      update_running(side.running_mean, side.running_var, mean.flatten(), var.flatten(), count,
                     pass.router_momentum.value_or(momentum_));
    }
    const Tensor v =
        (values - mean.view({1, heads_, -1})) * (var.view({1, heads_, -1}) + kBatchNormEps).rsqrt();
    keep = v >= v.amax(-1, true).clamp_max(threshold_);
  }
  return {{}, {}, {}, {}, {}, {}, z.masked_fill(keep.logical_not(), -1e10).softmax(-1)};
}

void MonetRouter::route(const Tensor& x, Pass& pass) const {
  MonetRouting routing;
  Tensor unif, amb;
  RouterUse use;
  for (int s = 0; s < 2; ++s) {
    routing.side[s] = pass.dense ? keep_dense(sides_[s], x, pass) : keep(sides_[s], x, pass);
    const SideLosses losses = side_losses(routing.side[s], heads_, n_, pass.processes);
    unif = s == 0 ? losses.unif : (unif + losses.unif) / 2;
    amb = s == 0 ? losses.amb : (amb + losses.amb) / 2;
    use.tokens_of_key[s] = losses.tokens_of_key;
    use.mean_scores[s] = losses.mean_scores;
    use.survivors[s] =
        losses.tokens_of_key.sum().item<double>() / static_cast<double>(x.size(0) * heads_);
  }
  pass.unif.push_back(unif);
  pass.amb.push_back(amb);
  use.amb = amb.item<double>();
  pass.use.push_back(use);
  pass.routing = std::move(routing);
}

}  // namespace expertoire::train
