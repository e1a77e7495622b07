// How probable a model finds a text.
#pragma once

#include <cstdint>
#include <functional>
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

/// How a long text is cut into windows of `context` tokens, moved by `stride`.
struct WindowPlan {
  int64_t context = 0;
  int64_t stride = 0;
};

/// Called after a window with the log p of its new tokens and the number of the next token to
/// score.
using WindowSink = std::function<void(std::span<const double> log_probs, int64_t next)>;

/// Every token of ids[from …] is scored once, with at least context − stride tokens before it where
/// there are so many (the sliding window of transformers' guide to perplexity); the last window is
/// cut off by the end of the text. `from`: 1, or where a window of the same plan ended: the
/// windows after it are those of the whole run, bit for bit. Errors: kInvalidArgument unless
/// 1 ≤ stride < context ≤ max_position_embeddings, or for another `from`.
void score_windows(Session& session, std::span<const int32_t> ids, const WindowPlan& plan,
                   int64_t from, const WindowSink& sink);

/// All of score_windows() from the second token on.
std::vector<double> sliding_log_probs(Session& session, std::span<const int32_t> ids,
                                      int64_t context, int64_t stride);

}  // namespace expertoire
