// How good a model is on held-out text, and how it uses its keys there.
#pragma once

#include <nlohmann/json.hpp>

#include "train/token_dataset.h"
#include "train/torch/decoder.h"

namespace expertoire::train {

struct EvaluationOptions {
  int64_t sequence_length = 0;
  int64_t batch_sequences = 0;
  int64_t sequences = 0;  ///< 0 = all
  bool bf16 = false;
  Processes* processes = nullptr;  ///< each takes its part of the sequences
  at::Device device = at::kCPU;
};

/// Router statistics are the running ones. Keys: held_out_loss (nats a token), held_out_tokens, and
/// for Monet, one number a routing layer: survivors1, survivors2, keys_used (share of the keys of
/// both sides and all heads that some token kept), unif and amb over all tokens.
nlohmann::json evaluate(const Decoder& decoder, const TokenDataset& data,
                        const EvaluationOptions& options);

/// What a log says of the routing of a pass; an empty object for kinds without keys.
nlohmann::json describe_use(const std::vector<RouterUse>& use);

/// [batch, length + 1] int64: sequences first, first + 1 … of the order that `seed` gives.
Tensor read_batch(const TokenDataset& data, uint64_t seed, int64_t first, int64_t batch,
                  int64_t length, at::Device device);

}  // namespace expertoire::train
