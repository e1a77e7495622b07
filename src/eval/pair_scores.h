// How well a score tells pairs that belong together from others.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace expertoire {

struct PairScores {
  double ap = 0;        ///< average precision (scikit-learn's average_precision_score)
  double accuracy = 0;  ///< best over thresholds
  double f1 = 0;        ///< best over thresholds
};

/// Scores of pairs, larger = more alike, sorted once for many resamples. Thresholds lie between two
/// different scores, as in mteb, which leaves out the two that call all pairs alike or none.
class RankedPairs {
 public:
  RankedPairs(std::span<const double> scores, std::span<const uint8_t> positive);

  PairScores score() const;
  /// Of the pairs `items`, as often as they stand there. AP is NaN when none is positive.
  PairScores score(std::span<const uint32_t> items) const;

 private:
  PairScores walk(std::span<const uint32_t> counts) const;

  std::vector<uint32_t> order_;  // pairs, best first
  std::vector<uint8_t> positive_;
  std::vector<uint8_t> last_of_tie_;  // by position in order_
};

/// The fields of PairScores by the names that results give them.
inline constexpr std::pair<const char*, double PairScores::*> kPairMetrics[] = {
    {"ap", &PairScores::ap}, {"accuracy", &PairScores::accuracy}, {"f1", &PairScores::f1}};

/// The largest of each metric over several measures of the same pairs, of the pairs `items` (mteb's
/// max_ap …). All NaN when none is positive.
PairScores largest_scores(std::span<const RankedPairs> measures, std::span<const uint32_t> items);

/// Average precision of one ranking (a query's candidates).
double average_precision(std::span<const double> scores, std::span<const uint8_t> positive);

}  // namespace expertoire
