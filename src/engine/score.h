// How probable a model finds a text.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/session.h"

namespace expertoire {

/// log p(ids[i] | ids[0 … i − 1]) for i in [first, ids.size()), first ≥ 1, in nats.
std::vector<double> token_log_probs(Session& session, std::span<const int32_t> ids, size_t first);

/// The same of several texts as one packed batch, each from its second token on: the bits of each
/// do not depend on the others.
std::vector<std::vector<double>> batch_log_probs(Session& session,
                                                 std::span<const std::span<const int32_t>> texts);

/// Windows of `context` tokens, moved by `stride`, the last one cut off by the end of the text:
/// every token but the first is scored once, with at least context − stride tokens before it where
/// there are so many (the sliding window of transformers' guide to perplexity). Calls `progress`
/// with tokens scored. Errors: kInvalidArgument unless 1 ≤ stride < context ≤
/// max_position_embeddings.
std::vector<double> sliding_log_probs(Session& session, std::span<const int32_t> ids,
                                      int64_t context, int64_t stride,
                                      const ProgressSink& progress = {});

}  // namespace expertoire
