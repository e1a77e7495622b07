// What edits against toxicity changed, as tables on standard output.
#pragma once

#include <nlohmann/json.hpp>

namespace expertoire::cli {

/// A report of `experts toxicity-eval`: its judge, its questions, and a table for each threshold.
void print_measures(const nlohmann::json& report);

}  // namespace expertoire::cli
