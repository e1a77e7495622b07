// Do similarities order pairs of texts as what we know of the texts does?
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace expertoire {

/// Where a text comes from; modules lie within subjects.
struct TextOrigin {
  std::string subject;
  std::string module;
};

struct PairOrder {
  /// Chance that a pair of one module is more alike than a pair of one subject but two modules.
  double module_over_subject = 0;
  /// Chance that a pair of one subject, two modules, is more alike than a pair of two subjects.
  double subject_over_other = 0;
  /// Share of texts whose nearest neighbour is of their module, or at least of their subject.
  double nearest_same_module = 0;
  double nearest_same_subject = 0;
};

/// Of all pairs of texts. A tie counts one half; 0.5 is what chance reaches in the first two.
/// Errors: kInvalidArgument when one of the three classes of pairs is empty.
PairOrder pair_order(const std::vector<TextOrigin>& texts,
                     const std::function<double(size_t, size_t)>& similarity);

/// Area under the ROC curve: the chance that a value of `higher` exceeds one of `lower`, a tie
/// counting one half (Mann–Whitney U / (n·m)).
double auc(std::vector<double> higher, std::vector<double> lower);

}  // namespace expertoire
