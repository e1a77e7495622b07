// How well a model predicts a file, for commands that print it or compare it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/common.h"
#include "eval/perplexity.h"

namespace expertoire::cli {

/// The texts of a .jsonl or .json (each line by itself, `field` holds the text), or any other file
/// as one text. Errors: those of TextSource, read_text_file and score_text.
std::vector<TextScore> score_file(const LoadedModel& loaded, const std::string& path,
                                  const std::string& field, const WindowOptions& windows);

/// {"perplexity": {"value": 12.3, "interval": [11.9, 12.8]}, …}
nlohmann::json score_values(const EvalResult& result);

/// "12.3 [11.9, 12.8]", of one of score_values().
std::string shown_score(const nlohmann::json& score, const char* format);

}  // namespace expertoire::cli
