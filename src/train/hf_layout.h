// Checkpoint folders as transformers and the engine read them: config.json of a ModelShape.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "train/config.h"

namespace expertoire::train {

/// config.json: dense is a llama; smoe a qwen2_moe, whose biases and shared expert are zero
///; monet has the authors' keys (papers.md 1.5) and, when statistics are a key's,
/// `moe_router_norm`; peer is our own model_type with the keys of ModelShape. `dtype`: "float32" or
/// "bfloat16".
nlohmann::json hf_config(const ModelShape& shape, int64_t eos_id, const std::string& dtype);

/// The way back: the keys that parse_model_shape takes. Errors: kUnsupported for a model_type or a
/// setting that the trainer does not write, kBadFile.
nlohmann::json model_of_hf_config(const nlohmann::json& config, const std::string& what);

/// The keys of `wanted` on top of those of a checkpoint. Errors: kInvalidArgument when both have
/// one and differ.
nlohmann::json merge_model(const nlohmann::json& checkpoint, const nlohmann::json& wanted);

}  // namespace expertoire::train
