// The commands of `expertoire edit`, and what they share.
#pragma once

#include <nlohmann/json.hpp>

#include "analysis/compare_edits.h"
#include "cli/command.h"

namespace expertoire::cli {

extern const Command kEditApplyCommand;

/// What an edit changes in a layer: {"layer": 1, "ablated": 2, …}
nlohmann::json to_json(int layer, const EditCounts& counts);

}  // namespace expertoire::cli
