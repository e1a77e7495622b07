// Two runs on the same rows: is one better?
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "eval/result.h"

namespace expertoire {

/// One score of two results.
struct Comparison {
  std::string task, dataset, score;
  std::string a_system, b_system;
  double a = 0, b = 0;
  /// Of b − a, by the paired bootstrap; absent where the rows' values are not stored or do not make
  /// this score.
  std::optional<Interval> difference = {};

  /// "higher" or "lower" for b, only where the interval excludes zero.
  std::optional<std::string> verdict() const;
  nlohmann::json to_json() const;
};

/// Pairs the results of one task and data set in their order and compares every score that both
/// have. Errors: kInvalidArgument when the runs have no data set in common, another number of
/// results for one, or saw other rows.
std::vector<Comparison> compare_results(const std::vector<EvalResult>& a,
                                        const std::vector<EvalResult>& b,
                                        const BootstrapOptions& bootstrap);

/// after − before in each score over the same rows, with paired intervals where the rows' values
/// make the score. Both need their items and the same scores. Errors: kInvalidArgument unless both
/// saw the same rows.
EvalResult paired_result(const EvalResult& before, const EvalResult& after,
                         const BootstrapOptions& options);

}  // namespace expertoire
