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

// Mean score of every key over the tokens of all processes: [heads·n] double.
template <class T>
Tensor mean_scores(const KeptView<T>& kept, int64_t tokens, Processes* processes) {
  Tensor sums = at::zeros({kept.heads * kept.n}, at::kDouble);
  auto* to = sums.mutable_data_ptr<double>();
  for (int64_t row = 0; row < tokens * kept.heads; ++row) {
    double* head = to + row % kept.heads * kept.n;
    for (int64_t e = kept.offsets[row]; e < kept.offsets[row + 1]; ++e) {
      head[kept.keys[e]] += kept.scores[e];
    }
  }
  return shared_mean(sums / static_cast<double>(tokens), processes);
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
    Tensor means;
    double largest = 0;
    with_type(scores, [&]<class T>() {
      const auto kept = kept_view<T>(scores, offsets, keys, heads, n);
      means = mean_scores(kept, rows / heads, processes);
      for (int64_t row = 0; row < rows; ++row) largest += kept.scores[largest_entry(kept, row)];
    });
    context->save_for_backward({scores, offsets, keys, means});
    context->saved_data["heads"] = heads;
    context->saved_data["n"] = n;
    const Tensor unif = -(means + kUnifEps).log().mean();
    const double amb = 1 - largest / static_cast<double>(rows);
    return {unif.to(scores.scalar_type()), at::zeros({}, scores.options()).fill_(amb)};
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
    return {-(shared_mean(kept.dense.mean(0), processes) + kUnifEps).log().mean(),
            (1 - kept.dense.amax(-1)).mean()};
  }
  const variable_list losses =
      KeptLosses::apply(kept.scores, kept.offsets, kept.keys, heads, n, processes);
  return {losses[0], losses[1]};
}

}  // namespace expertoire::train
