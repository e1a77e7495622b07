// In which documents a unit is used more than elsewhere.
#pragma once

#include <vector>

#include "analysis/expert_index.h"

namespace expertoire {

/// A unit's use in the documents of one label.
struct LabelRate {
  int label = 0;    ///< in IndexInfo::labels
  double rate = 0;  ///< mass a token read of that label
  double lift = 0;  ///< that, over the unit's mass a token of all labels
  LabelUse use;
};

/// Of every label of the index, by falling rate, equal ones by label.
std::vector<LabelRate> label_rates(const UnitRecord& record, const IndexInfo& info);

/// The highest rate over the second highest, as Monet's rule has it (arXiv 2412.04139, 5.1):
/// infinite where only one label uses the unit; 1 with fewer than two labels.
double label_skew(const std::vector<LabelRate>& rates);

}  // namespace expertoire
