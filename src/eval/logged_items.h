// The lines of an ItemLog that hold the scores of language tasks:
//   {"data": "a.jsonl", "system": "model", "item": 0, "log_probs": [-1.5, -2.25], "greedy": [true,
//   false]}
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/prefix_scorer.h"
#include "eval/item_log.h"

namespace expertoire {

nlohmann::json item_line(const std::string& system, const std::string& data, size_t item,
                         const std::vector<RequestScore>& scores);

/// The scores that a log has of the items 0, 1, … of a data set under a system: [items][requests].
/// Errors: kBadFile for a line that is none of item_line(), or an item that is left out.
std::vector<std::vector<RequestScore>> logged_items(const ItemLog& log, const std::string& system,
                                                    const std::string& data);

}  // namespace expertoire
