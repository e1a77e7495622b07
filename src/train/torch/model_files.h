// A model's weights in the layout that transformers and the engine read.
#pragma once

#include <string>

#include "train/config.h"
#include "train/torch/parameters.h"

namespace expertoire::train {

/// Writes config.json and model.safetensors (float32) into `folder`, which exists. Beside the
/// learned weights: what the layout has and the kind has not, as zeros (SMoE: biases of q, k, v and
/// a shared expert of width 1; PEER: the query's bias), and for Monet num_batches_tracked = `step`.
void write_model(const std::string& folder, const ModelShape& shape, const Parameters& parameters,
                 int64_t eos_id, int64_t step);

/// Fills `parameters` from a folder's weights, whatever their float type. Errors: kNotFound (file
/// or tensor), kBadFile (another shape).
void read_model(const std::string& folder, const Parameters& parameters);

/// The model of a folder's config.json, as parse_model_shape takes it.
nlohmann::json read_model_json(const std::string& folder);

/// Copies the tokenizer's files that `from` has into `to`.
void copy_tokenizer(const std::string& from, const std::string& to);

}  // namespace expertoire::train
