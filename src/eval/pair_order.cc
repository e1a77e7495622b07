#include "eval/pair_order.h"

#include <algorithm>

#include "base/error.h"

namespace expertoire {

double auc(std::vector<double> higher, std::vector<double> lower) {
  std::sort(lower.begin(), lower.end());
  double wins = 0;
  for (double value : higher) {
    const auto [below, above] = std::equal_range(lower.begin(), lower.end(), value);
    wins += static_cast<double>(below - lower.begin()) + 0.5 * static_cast<double>(above - below);
  }
  return wins / static_cast<double>(higher.size()) / static_cast<double>(lower.size());
}

PairOrder pair_order(const std::vector<TextOrigin>& texts,
                     const std::function<double(size_t, size_t)>& similarity) {
  std::vector<double> module, subject, other;
  std::vector<double> best(texts.size(), -1e300);
  std::vector<size_t> nearest(texts.size(), 0);
  const auto meet = [&](size_t text, size_t neighbour, double value) {
    if (value <= best[text]) return;
    best[text] = value;
    nearest[text] = neighbour;
  };
  for (size_t i = 0; i < texts.size(); ++i) {
    for (size_t j = i + 1; j < texts.size(); ++j) {
      const double value = similarity(i, j);
      const bool same_subject = texts[i].subject == texts[j].subject;
      const bool same_module = same_subject && texts[i].module == texts[j].module;
      (same_module ? module : same_subject ? subject : other).push_back(value);
      meet(i, j, value);
      meet(j, i, value);
    }
  }
  if (module.empty() || subject.empty() || other.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                {"ordering pairs of texts", "a class of pairs that is empty",
                 "pairs of one module, of one subject, and of two subjects", ""});
  }
  PairOrder order;
  order.module_over_subject = auc(module, subject);
  order.subject_over_other = auc(subject, other);
  for (size_t i = 0; i < texts.size(); ++i) {
    const TextOrigin& found = texts[nearest[i]];
    if (found.subject != texts[i].subject) continue;
    order.nearest_same_subject += 1.0 / static_cast<double>(texts.size());
    if (found.module == texts[i].module) {
      order.nearest_same_module += 1.0 / static_cast<double>(texts.size());
    }
  }
  return order;
}

}  // namespace expertoire
