// generation_config.json: when to stop.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace expertoire {

/// The ids of its eos_token_id; other keys are defaults of transformers' sampling, which the caller
/// chooses here. Errors: kNotFound, kIo, kBadFile.
std::vector<int32_t> read_stop_ids(const std::string& path);

}  // namespace expertoire
