// Scores of texts, for commands that print or compare them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "eval/perplexity.h"

namespace expertoire::cli {

/// {"perplexity": {"value": 12.3, "interval": [11.9, 12.8]}, …}
nlohmann::json score_values(const EvalResult& result);

/// "12.3 [11.9, 12.8]", of one of score_values().
std::string shown_score(const nlohmann::json& score, const char* format);

}  // namespace expertoire::cli
