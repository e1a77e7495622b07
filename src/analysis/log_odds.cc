#include "analysis/log_odds.h"

#include <cmath>

namespace expertoire {

LogOdds log_odds(const WordCount& own, const WordCount& others, double prior_total) {
  // All there is in both: odds are infinite, and equal.
  if (own.count == own.total && others.count == others.total) return {};
  const double prior = prior_total * (own.count + others.count) / (own.total + others.total);
  const auto log_odds_of = [&](const WordCount& word) {
    const double with = word.count + prior;
    return std::log(with / (word.total + prior_total - with));
  };
  const double difference = log_odds_of(own) - log_odds_of(others);
  const double variance = 1 / (own.count + prior) + 1 / (others.count + prior);
  return {difference, difference / std::sqrt(variance)};
}

}  // namespace expertoire
