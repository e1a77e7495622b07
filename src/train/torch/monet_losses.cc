#include "train/torch/monet_losses.h"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "train/torch/kept_view.h"
#include "train/torch/processes.h"

namespace expertoire::train {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr double kUnifEps = 1e-6;

// Adds up scores and counts of every key.
template <class T>
void tally(const KeptView<T>& kept, int64_t rows, double* sums, int64_t* counts) {
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t head = row % kept.heads * kept.n;
    for (int64_t e = kept.offsets[row]; e < kept.offsets[row + 1]; ++e) {
      sums[head + kept.keys[e]] += kept.scores[e];
      counts[head + kept.keys[e]] += 1;
    }
  }
}

template <class T>
int64_t largest_entry(const KeptView<T>& kept, int64_t row) {
  return std::max_element(kept.scores + kept.offsets[row], kept.scores + kept.offsets[row + 1]) -
         kept.scores;
}

class KeptLosses : public torch::autograd::Function<KeptLosses> {
 public:
  static variable_list forward(AutogradContext* context, const Tensor& scores,
                               const Tensor& offsets, const Tensor& keys, int64_t heads, int64_t n,
                               Processes* processes) {
    const int64_t rows = offsets.size(0) - 1;
    const Tensor sums = at::zeros({heads * n}, at::kDouble);
    const Tensor counts = at::zeros({heads * n}, at::kLong);
    double largest = 0;
    with_type(scores, [&]<class T>() {
      const auto kept = kept_view<T>(scores, offsets, keys, heads, n);
      tally(kept, rows, sums.mutable_data_ptr<double>(), counts.mutable_data_ptr<int64_t>());
      for (int64_t row = 0; row < rows; ++row) largest += kept.scores[largest_entry(kept, row)];
    });
    const Tensor means = shared_mean(sums / static_cast<double>(rows / heads), processes);
    context->save_for_backward({scores, offsets, keys, means});
    context->saved_data["heads"] = heads;
    context->saved_data["n"] = n;
    const Tensor unif = -(means + kUnifEps).log().mean();
    const double amb = 1 - largest / static_cast<double>(rows);
    context->mark_non_differentiable({means, counts});
    return {unif.to(scores.scalar_type()), at::zeros({}, scores.options()).fill_(amb), means,
            counts};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const int64_t heads = context->saved_data["heads"].toInt();
    const int64_t n = context->saved_data["n"].toInt();
    const Tensor result = at::empty_like(saved[0]);
    with_type(saved[0], [&]<class T>() {
      fill(kept_view<T>(saved[0], saved[1], saved[2], heads, n), saved[1].size(0) - 1, saved[3],
           gradients, result.template mutable_data_ptr<T>());
    });
    return {result, Tensor(), Tensor(), Tensor(), Tensor(), Tensor()};
  }

 private:
  template <class T>
  static void fill(const KeptView<T>& kept, int64_t rows, const Tensor& means,
                   const variable_list& gradients, T* to) {
    const auto tokens = static_cast<double>(rows / kept.heads);
    const Tensor by_key = gradients[0].to(at::kDouble) / (means + kUnifEps) /
                          (-tokens * static_cast<double>(kept.heads * kept.n));
    const auto* unif = by_key.const_data_ptr<double>();
    const double amb = -gradients[1].item<double>() / static_cast<double>(rows);
    for (int64_t row = 0; row < rows; ++row) {
      const double* head = unif + row % kept.heads * kept.n;
      for (int64_t e = kept.offsets[row]; e < kept.offsets[row + 1]; ++e) {
        to[e] = static_cast<T>(head[kept.keys[e]]);
      }
      to[largest_entry(kept, row)] += static_cast<T>(amb);
    }
  }
};

}  // namespace

SideLosses side_losses(const KeptKeys& kept, int64_t heads, int64_t n, Processes* processes) {
  if (kept.dense.defined()) {
    const Tensor means = shared_mean(kept.dense.mean(0), processes);
    return {-(means + kUnifEps).log().mean(), (1 - kept.dense.amax(-1)).mean(),
            means.detach().to(at::kDouble).reshape({-1}),
            (kept.dense.detach() > 0).sum(0).reshape({-1})};
  }
  const variable_list losses =
      KeptLosses::apply(kept.scores, kept.offsets, kept.keys, heads, n, processes);
  return {losses[0], losses[1], losses[2], losses[3]};
}

}  // namespace expertoire::train
