// How much more often something comes in one corpus than in another.
#pragma once

namespace expertoire {

/// Of all counted things, how many were this one.
struct WordCount {
  double count = 0, total = 0;
};

struct LogOdds {
  double difference = 0;  ///< of the log-odds, positive where `own` has more
  double z = 0;           ///< over its standard deviation
};

/// Log-odds ratio with an informative Dirichlet prior (Monroe, Colaresi and Quinn, Political
/// Analysis 2008, eq. 15, 16, 20, 22): the prior counts `prior_total` things, distributed as in
/// both corpora together. Needs a thing that comes in one of them.
LogOdds log_odds(const WordCount& own, const WordCount& others, double prior_total);

}  // namespace expertoire
