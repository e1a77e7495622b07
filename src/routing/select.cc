#include "routing/select.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace expertoire {
namespace {

bool flagged(const std::vector<uint8_t>& flags, int expert) {
  return !flags.empty() && flags[static_cast<size_t>(expert)] != 0;
}

// Softmax of one token's logits; experts in `masked` (may be empty) count as −inf.
void token_probs(const KernelTable& kernels, const float* logits, int num_experts,
                 const std::vector<uint8_t>& masked, float* probs) {
  for (int e = 0; e < num_experts; ++e) {
    probs[e] = flagged(masked, e) ? -std::numeric_limits<float>::infinity() : logits[e];
  }
  const float sum = kernels.exp_sum(probs, kernels.max(probs, num_experts), num_experts, probs);
  for (int e = 0; e < num_experts; ++e) probs[e] /= sum;
}

// The k experts with the largest logits in falling order, equal ones by number.
void top_by_logit(const float* logits, int num_experts, int top_k, int32_t* selected) {
  int count = 0;
  for (int32_t e = 0; e < num_experts; ++e) {
    if (count == top_k && logits[e] <= logits[selected[count - 1]]) continue;
    int at = count < top_k ? count++ : count - 1;
    for (; at > 0 && logits[e] > logits[selected[at - 1]]; --at) selected[at] = selected[at - 1];
    selected[at] = e;
  }
}

// The k experts with the largest logits: forced ones first, rerouted ones never; then in falling
// order of the logit. Logits, not probabilities: two probabilities may round to the same number.
void token_top_k(const float* logits, int num_experts, int top_k, const LayerEdit& edit,
                 std::vector<int32_t>& order, int32_t* selected) {
  if (edit.forced.empty() && edit.rerouted.empty()) {
    top_by_logit(logits, num_experts, top_k, selected);
    return;
  }
  order.resize(static_cast<size_t>(num_experts));
  std::iota(order.begin(), order.end(), 0);
  const auto by_logit = [&](int32_t a, int32_t b) {
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  };
  const auto rank = [&](int32_t e) {
    return flagged(edit.forced, e) ? 0 : flagged(edit.rerouted, e) ? 2 : 1;
  };
  std::partial_sort(order.begin(), order.begin() + top_k, order.end(), [&](int32_t a, int32_t b) {
    return rank(a) != rank(b) ? rank(a) < rank(b) : by_logit(a, b);
  });
  std::sort(order.begin(), order.begin() + top_k, by_logit);
  std::copy_n(order.begin(), top_k, selected);
}

float sum_of(const float* values, int count) {
  return std::accumulate(values, values + count, 0.0F);
}

}  // namespace

void edit_weights(const LayerEdit& edit, int top_k, const int32_t* selected, float* weights) {
  if (edit.factor.empty()) return;
  const float before = sum_of(weights, top_k);
  for (int i = 0; i < top_k; ++i) weights[i] *= edit.factor[static_cast<size_t>(selected[i])];
  const float after = sum_of(weights, top_k);
  if (!edit.renormalize_weights || after == before || after == 0.0F) return;
  for (int i = 0; i < top_k; ++i) weights[i] *= before / after;
}

void select_experts(const KernelTable& kernels, const RouterRule& rule, const LayerEdit* layer_edit,
                    int64_t first, int64_t last, TopKRouting& routing) {
  static const LayerEdit kNone;
  static const std::vector<uint8_t> kNobody;
  const LayerEdit& edit = layer_edit != nullptr ? *layer_edit : kNone;
  const int experts = routing.num_experts;
  std::vector<int32_t> order;
  for (int64_t t = first; t < last; ++t) {
    const float* logits = routing.logits.data() + t * experts;
    float* probs = routing.probs.data() + t * experts;
    int32_t* selected = routing.selected.data() + t * rule.top_k;
    float* weights = routing.weights.data() + t * rule.top_k;
    token_probs(kernels, logits, experts, edit.renormalize_probs ? edit.rerouted : kNobody, probs);
    token_top_k(logits, experts, rule.top_k, edit, order, selected);
    for (int i = 0; i < rule.top_k; ++i) weights[i] = probs[selected[i]];
    if (rule.norm_topk_prob) {
      const float sum = sum_of(weights, rule.top_k);
      // 0 when an edit leaves only experts whose probability underflowed.
      for (int i = 0; sum > 0 && i < rule.top_k; ++i) weights[i] /= sum;
    }
    for (int e = 0; e < experts; ++e) {
      if (flagged(edit.rerouted, e)) probs[e] = 0.0F;
    }
    edit_weights(edit, rule.top_k, selected, weights);
    if (!routing.shared_weights.empty()) {
      routing.shared_weights[static_cast<size_t>(t)] *= edit.shared_factor;
    }
  }
}

}  // namespace expertoire
