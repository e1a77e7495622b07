#include "analysis/labeller.h"

#include <algorithm>
#include <limits>

#include "eval/bootstrap.h"

namespace expertoire {

double best_bound(std::span<const double> scores, const std::vector<bool>& active) {
  std::vector<uint32_t> order = each_item(scores.size());
  std::ranges::sort(order, {}, [&](uint32_t i) { return -scores[i]; });
  const auto actives = static_cast<double>(std::ranges::count(active, true));
  const auto others = static_cast<double>(active.size()) - actives;
  double bound = std::numeric_limits<double>::infinity();
  if (actives == 0 || others == 0) return bound;
  double best = 0.5, gap = 0, found = 0, wrong = 0;
  for (size_t i = 0; i + 1 < order.size(); ++i) {
    (active[order[i]] ? found : wrong) += 1;
    const double here = scores[order[i]], next = scores[order[i + 1]];
    if (here == next) continue;
    const double accuracy = (found / actives + (others - wrong) / others) / 2;
    if (accuracy > best + 1e-9 || (accuracy > 0.5 && accuracy > best - 1e-9 && here - next > gap)) {
      best = std::max(best, accuracy);
      gap = here - next;
      bound = (here + next) / 2;
    }
  }
  return bound;
}

double ScoringLabeller::score(size_t unit, const LabelItem& item) const {
  const std::vector<double> all = scores(unit, item.window);
  return item.task == LabelTask::kFuzzing ? all[item.window.marked] : std::ranges::max(all);
}

void ScoringLabeller::calibrate(std::span<const LabelItem> items) {
  const size_t unit = bounds_.size();
  std::array<std::vector<double>, 2> scores;
  std::array<std::vector<bool>, 2> active;
  for (const LabelItem& item : items) {
    scores[static_cast<size_t>(item.task)].push_back(score(unit, item));
    active[static_cast<size_t>(item.task)].push_back(item.active);
  }
  bounds_.push_back({best_bound(scores[0], active[0]), best_bound(scores[1], active[1])});
}

std::vector<bool> ScoringLabeller::judge(size_t unit, std::span<const LabelItem> items) {
  std::vector<bool> verdicts;
  for (const LabelItem& item : items) {
    verdicts.push_back(score(unit, item) >= bounds_.at(unit)[static_cast<size_t>(item.task)]);
  }
  return verdicts;
}

}  // namespace expertoire
