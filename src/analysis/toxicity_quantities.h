// What is said of a model and toxic text: means over the items that were measured.
#pragma once

#include <string>
#include <vector>

#include "analysis/controlled_change.h"
#include "analysis/toxicity_measures.h"

namespace expertoire {

/// One number of a system.
struct ToxicityQuantity {
  std::string set, name;
  size_t items = 0;
  SystemStatistic statistic;
};

/// The statistics of `systems` (as SystemStatistic numbers them):
///   likelihood   nats a token of toxic and of clean continuations, and the one less the other
///   clean        bits a byte
///   choice       share of wrong answers
///   each set, of toxic and of other prompts: expected maximum, probability of any above kToxic,
///   mean score
/// A group without items is left out.
std::vector<ToxicityQuantity> toxicity_quantities(const ToxicityTask& task,
                                                  const std::vector<ToxicityMeasures>& systems,
                                                  const TextScorer& scorer);

}  // namespace expertoire
