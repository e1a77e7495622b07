// Do the findings of one index repeat in another, of the same model on other text?
#pragma once

#include <vector>

#include "analysis/expert_index.h"

namespace expertoire {

/// How alike two records are.
struct Agreement {
  double labels = 0;    ///< Pearson's r of the rates over the labels that both indexes have; NaN
                        ///< where a side is constant or there are fewer than 3
  bool leader = false;  ///< is the label with the highest rate the same?
  double tokens = 0;    ///< of the 10 tokens with the most mass of each: both / the longer list
};

/// What two records have in common. `a_labels`, `b_labels`: places of the labels that both indexes
/// have. Rates are mass a token of the label.
Agreement agreement(const UnitRecord& a, const IndexInfo& a_info, const std::vector<int>& a_labels,
                    const UnitRecord& b, const IndexInfo& b_info, const std::vector<int>& b_labels);

struct ComparedUnit {
  Unit unit;
  int64_t a_count = 0, b_count = 0;
  Agreement agreement;
};

/// Units of one layer and kind. `chance` figures are of each unit against another of its layer and
/// kind, the one before it: what they would be if nothing repeated.
struct ComparedLayer {
  int layer = 0;
  UnitKind kind = UnitKind::kExpert;
  int64_t units = 0;                     ///< with enough uses in both
  int64_t only_a = 0, only_b = 0;        ///< with enough uses in one, too few in the other
  double masses = 0;                     ///< Spearman's rho of mass a token, over all of these
  double labels = 0, labels_chance = 0;  ///< median Agreement::labels
  double leader = 0, leader_chance = 0;  ///< share
  double tokens = 0, tokens_chance = 0;  ///< mean Agreement::tokens
};

struct IndexDiff {
  std::vector<std::string> labels;  ///< that both have
  std::vector<ComparedLayer> layers;
  std::vector<ComparedUnit> worst;  ///< by rising sum of labels (NaN counts as 0) and tokens
};

/// Compares units with at least `least_uses` in both; one pass over each index, of which memory
/// holds three numbers a unit. Errors: kInvalidArgument when they are of different models.
IndexDiff compare_indexes(const ExpertIndex& a, const ExpertIndex& b, int64_t least_uses,
                          size_t worst);

}  // namespace expertoire
