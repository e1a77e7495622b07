// A score computed anew of any of the rows whose values a result holds.
#pragma once

#include <optional>
#include <string>

#include "eval/result.h"

namespace expertoire {

/// A score as a function of rows.
struct RowStatistic {
  size_t rows = 0;
  Statistic of;
};

/// `score` of a result from its items; nothing where these are not stored or do not make the score.
/// Errors: kBadFile for items that are not numbers, or not one for each row.
std::optional<RowStatistic> row_statistic(const EvalResult& result, const std::string& score);

}  // namespace expertoire
