// ids.json: token ids that somebody else made.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace expertoire {

/// The ids of a configuration's value: one id, a list of ids, or null for none. Nothing when it is
/// anything else.
std::optional<std::vector<int32_t>> token_ids(const nlohmann::json& value);

/// A filled list of filled lists of token ids from 0. Whether a model has them is the model's to
/// say. Errors: kNotFound, kIo, kBadFile naming the sequence.
std::vector<std::vector<int32_t>> read_ids(const std::string& path);

}  // namespace expertoire
