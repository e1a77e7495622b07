// From verdicts about items to what a label is worth.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "analysis/label_items.h"

namespace expertoire {

/// Items judged, and judged rightly; active and other ones.
struct LabelCounts {
  int64_t active = 0, active_right = 0;
  int64_t others = 0, others_right = 0;
  int64_t known = 0;  ///< others of which the index knows that they are not active

  void add(const LabelItem& item, bool verdict);
  LabelCounts& operator+=(const LabelCounts& more);
  int64_t items() const { return active + others; }
  int64_t right() const { return active_right + others_right; }
  /// Mean share judged rightly of active and of other items; NaN where one of them is missing.
  double balanced_accuracy() const;
};

/// By task.
using TaskCounts = std::array<LabelCounts, std::size(kLabelTaskNames)>;
TaskCounts count_verdicts(std::span<const LabelItem> items, const std::vector<bool>& verdicts);
LabelCounts both(const TaskCounts& counts);

struct LabelRule {
  int64_t least_items = 40;
  double level = 0.95;            ///< of intervals
  double false_discovery = 0.05;  ///< share that Benjamini and Hochberg hold
  double least_low = 0.7;         ///< lower bound of a reliable label's accuracy
};

/// What a label is worth, both tasks together. There are as many active items as others, so that
/// balanced accuracy is the share of right answers, and items are draws of a binomial.
struct LabelScore {
  double accuracy = 0, low = 0, high = 1;  ///< Clopper-Pearson
  double p = 1;                            ///< of so many right answers by coin flips
  double q = 1;                            ///< p after Benjamini-Hochberg; 1 for too few items
  bool reliable = false;  ///< enough items, q ≤ false_discovery and low ≥ least_low
};

/// Scores of labels that are looked at together. Labels with too few items are not among those
/// that Benjamini and Hochberg count.
std::vector<LabelScore> score_labels(std::span<const LabelCounts> labels, const LabelRule& rule);

}  // namespace expertoire
