#include "routing/product_keys.h"

#include <algorithm>
#include <numeric>

#include "routing/select.h"

namespace expertoire {
namespace {

struct Scored {
  float score;
  int32_t expert;
};

bool better(const Scored& a, const Scored& b) {
  return a.score != b.score ? a.score > b.score : a.expert < b.expert;
}

// A place in the grid of both sides' keys, each in falling order of its logit.
struct Candidate {
  Scored pair;
  int row;
  int column;
};

// The `depth` best keys of a side.
void order_keys(const float* logits, int keys, int depth, std::vector<int32_t>& order) {
  order.resize(static_cast<size_t>(keys));
  std::iota(order.begin(), order.end(), 0);
  std::partial_sort(order.begin(), order.begin() + depth, order.end(), [&](int32_t a, int32_t b) {
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  });
}

}  // namespace

struct ProductKeySelector::Work {
  std::vector<int32_t> order1, order2;
  std::vector<Candidate> heap;
  std::vector<Scored> chosen;
};

// With p experts passed over, the k best of the others are among the k + p best keys of each side:
// every pair of a later key has k + p above it in its own row or column.
ProductKeySelector::ProductKeySelector(const ProductKeys& rule, const LayerEdit* edit)
    : rule_(rule), edit_(edit), depth_(std::min(rule.keys, rule.top_k)) {
  if (edit == nullptr) return;
  for (size_t e = 0; e < edit->forced.size(); ++e) {
    if (edit->forced[e] != 0) forced_.push_back(static_cast<int32_t>(e));
  }
  const auto rerouted = std::count(edit->rerouted.begin(), edit->rerouted.end(), 1);
  const int64_t passed = rerouted + static_cast<int64_t>(forced_.size());
  depth_ = static_cast<int>(std::min<int64_t>(rule.keys, rule.top_k + passed));
}

bool ProductKeySelector::passed_over(int32_t expert) const {
  const auto flagged = [&](const std::vector<uint8_t>& flags) {
    return !flags.empty() && flags[static_cast<size_t>(expert)] != 0;
  };
  return edit_ != nullptr && (flagged(edit_->rerouted) || flagged(edit_->forced));
}

// Scores fall along rows and columns of the grid, so the next best is always at its rim.
void ProductKeySelector::choose(const float* z1, const float* z2, Work& work) const {
  const auto worse = [](const Candidate& a, const Candidate& b) { return better(b.pair, a.pair); };
  const auto add = [&](int row, int column) {
    if (row >= depth_ || column >= depth_) return;
    const int32_t i = work.order1[static_cast<size_t>(row)];
    const int32_t j = work.order2[static_cast<size_t>(column)];
    work.heap.push_back({{z1[i] + z2[j], i * rule_.keys + j}, row, column});
    std::push_heap(work.heap.begin(), work.heap.end(), worse);
  };
  order_keys(z1, rule_.keys, depth_, work.order1);
  order_keys(z2, rule_.keys, depth_, work.order2);
  work.heap.clear();
  work.chosen.clear();
  for (int32_t e : forced_) {
    work.chosen.push_back({z1[e / rule_.keys] + z2[e % rule_.keys], e});
  }
  add(0, 0);
  while (work.chosen.size() < static_cast<size_t>(rule_.top_k)) {
    std::pop_heap(work.heap.begin(), work.heap.end(), worse);
    const Candidate best = work.heap.back();
    work.heap.pop_back();
    if (!passed_over(best.pair.expert)) work.chosen.push_back(best.pair);
    add(best.row, best.column + 1);
    if (best.column == 0) add(best.row + 1, 0);
  }
  std::sort(work.chosen.begin(), work.chosen.end(), better);
}

void ProductKeySelector::select(const KernelTable& kernels, int64_t first, int64_t last,
                                TopKRouting& routing) const {
  Work work;
  const int64_t side = int64_t{rule_.heads} * rule_.keys;
  for (int64_t t = first; t < last; ++t) {
    const float* logits = routing.logits.data() + t * routing.outputs;
    float* probs = routing.probs.data() + t * routing.outputs;
    for (int64_t list = 0; list < routing.outputs; list += rule_.keys) {
      const float most = kernels.max(logits + list, rule_.keys);
      const float sum = kernels.exp_sum(logits + list, most, rule_.keys, probs + list);
      for (int i = 0; i < rule_.keys; ++i) probs[list + i] /= sum;
    }
    int32_t* selected = routing.selected.data() + t * routing.top_k;
    float* weights = routing.weights.data() + t * routing.top_k;
    for (int h = 0; h < rule_.heads; ++h) {
      const float* z1 = logits + int64_t{h} * rule_.keys;
      choose(z1, z1 + side, work);
      float* own = weights + int64_t{h} * rule_.top_k;
      for (int i = 0; i < rule_.top_k; ++i) {
        const Scored& chosen = work.chosen[static_cast<size_t>(i)];
        selected[h * rule_.top_k + i] = chosen.expert;
        own[i] = chosen.score;
      }
      const float sum = kernels.exp_sum(own, own[0], rule_.top_k, own);
      for (int i = 0; i < rule_.top_k; ++i) own[i] /= sum;
    }
    if (edit_ != nullptr) edit_weights(*edit_, routing.top_k, selected, weights);
  }
}

}  // namespace expertoire
