#include "analysis/label_scores.h"

#include <limits>

#include "analysis/binomial.h"

namespace expertoire {

void LabelCounts::add(const LabelItem& item, bool verdict) {
  const int right = verdict == item.active ? 1 : 0;
  if (item.active) {
    ++active;
    active_right += right;
  } else {
    ++others;
    others_right += right;
    known += item.known ? 1 : 0;
  }
}

LabelCounts& LabelCounts::operator+=(const LabelCounts& more) {
  active += more.active;
  active_right += more.active_right;
  others += more.others;
  others_right += more.others_right;
  known += more.known;
  return *this;
}

double LabelCounts::balanced_accuracy() const {
  if (active == 0 || others == 0) return std::numeric_limits<double>::quiet_NaN();
  return (static_cast<double>(active_right) / static_cast<double>(active) +
          static_cast<double>(others_right) / static_cast<double>(others)) /
         2;
}

TaskCounts count_verdicts(std::span<const LabelItem> items, const std::vector<bool>& verdicts) {
  TaskCounts counts;
  for (size_t i = 0; i < items.size(); ++i) {
    counts[static_cast<size_t>(items[i].task)].add(items[i], verdicts.at(i));
  }
  return counts;
}

LabelCounts both(const TaskCounts& counts) {
  LabelCounts sum;
  for (const LabelCounts& task : counts) sum += task;
  return sum;
}

std::vector<LabelScore> score_labels(std::span<const LabelCounts> labels, const LabelRule& rule) {
  std::vector<LabelScore> scores;
  std::vector<double> p;
  std::vector<size_t> tested;
  for (size_t i = 0; i < labels.size(); ++i) {
    const LabelCounts& label = labels[i];
    const Bounds bounds = clopper_pearson(label.right(), label.items(), rule.level);
    scores.push_back({label.balanced_accuracy(), bounds.low, bounds.high,
                      binomial_upper_tail(label.right(), label.items(), 0.5)});
    if (label.items() < rule.least_items) continue;
    p.push_back(scores.back().p);
    tested.push_back(i);
  }
  const std::vector<double> q = benjamini_hochberg(p);
  for (size_t k = 0; k < tested.size(); ++k) {
    LabelScore& score = scores[tested[k]];
    score.q = q[k];
    score.reliable = q[k] <= rule.false_discovery && score.low >= rule.least_low;
  }
  return scores;
}

}  // namespace expertoire
