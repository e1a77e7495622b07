// Which pairs of texts do hidden states and routing rank wrongly, and do they fail on the same
// ones?
#pragma once

#include <string>
#include <vector>

#include "eval/result.h"

namespace expertoire {

struct ErrorOptions {
  /// Of all ranks: a pair whose similarity stands further from its place by people's score is
  /// failed. (The paper gives no threshold.)
  double tolerance = 0.25;
  BootstrapOptions bootstrap = {};
};

/// Likeness of the same pairs by each part.
struct PartSimilarities {
  std::vector<double> hidden, routing, sum;
};

/// How far each similarity's place (0 first, 1 last; equal values share the mean) lies above that
/// of the score: in [−1, 1].
std::vector<double> rank_errors(const std::vector<double>& gold,
                                const std::vector<double>& similarity);

/// Shares of pairs: "both_right", "only_hidden" (right), "only_routing", "neither", "one_right"
/// (either of the two before, the main score), and "sum_right". The details have the correlation of
/// |rank error| with `lengths` (of the pairs).
EvalResult error_shares(const std::vector<double>& gold, const PartSimilarities& similarities,
                        const std::vector<double>& lengths, const ErrorOptions& options);

}  // namespace expertoire
