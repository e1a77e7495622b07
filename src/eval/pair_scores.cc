#include "eval/pair_scores.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace expertoire {

RankedPairs::RankedPairs(std::span<const double> scores, std::span<const uint8_t> positive)
    : order_(scores.size()), positive_(positive.begin(), positive.end()) {
  std::iota(order_.begin(), order_.end(), 0);
  std::stable_sort(order_.begin(), order_.end(),
                   [&](uint32_t a, uint32_t b) { return scores[a] > scores[b]; });
  for (size_t i = 0; i < order_.size(); ++i) {
    const bool last = i + 1 == order_.size() || scores[order_[i]] != scores[order_[i + 1]];
    last_of_tie_.push_back(last ? 1 : 0);
  }
}

PairScores RankedPairs::score() const { return walk(std::vector<uint32_t>(order_.size(), 1)); }

PairScores RankedPairs::score(std::span<const uint32_t> items) const {
  std::vector<uint32_t> counts(order_.size());
  for (const uint32_t item : items) ++counts[item];
  return walk(counts);
}

PairScores RankedPairs::walk(std::span<const uint32_t> counts) const {
  double total = 0, positives = 0;
  for (size_t pair = 0; pair < counts.size(); ++pair) {
    total += counts[pair];
    positives += positive_[pair] != 0 ? counts[pair] : 0;
  }
  PairScores best;
  if (positives == 0) best.ap = std::numeric_limits<double>::quiet_NaN();
  double taken = 0, right = 0, right_before = 0;
  for (size_t i = 0; i < order_.size(); ++i) {
    const uint32_t pair = order_[i];
    taken += counts[pair];
    right += positive_[pair] != 0 ? counts[pair] : 0;
    if (last_of_tie_[i] == 0 || taken == 0) continue;
    if (right > right_before) best.ap += (right - right_before) / positives * (right / taken);
    right_before = right;
    if (taken == total) break;
    const double negatives_left = total - positives - (taken - right);
    best.accuracy = std::max(best.accuracy, (right + negatives_left) / total);
    best.f1 = std::max(best.f1, 2 * right / (taken + positives));
  }
  return best;
}

PairScores largest_scores(std::span<const RankedPairs> measures, std::span<const uint32_t> items) {
  PairScores best;
  for (const RankedPairs& one : measures) {
    const PairScores own = one.score(items);
    if (std::isnan(own.ap)) return {own.ap, own.ap, own.ap};
    for (const auto& [name, metric] : kPairMetrics) {
      best.*metric = std::max(best.*metric, own.*metric);
    }
  }
  return best;
}

double average_precision(std::span<const double> scores, std::span<const uint8_t> positive) {
  return RankedPairs(scores, positive).score().ap;
}

}  // namespace expertoire
