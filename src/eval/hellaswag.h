// What lm-evaluation-harness does to rows of HellaSwag before its templates see them.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace expertoire {

/// The row with "query" and "choices": process_docs of lm_eval/tasks/hellaswag/utils.py.
nlohmann::json prepare_hellaswag(const nlohmann::json& row);

}  // namespace expertoire
