// Several continuations of one prompt at once.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/sampler.h"
#include "engine/session.h"

namespace expertoire {

struct ContinuationOptions {
  int count = 25;
  int64_t max_tokens = 20;
  SamplerOptions sampler;         ///< `seed` is that of the whole study
  std::vector<int32_t> stop_ids;  ///< end of sequence; not part of what is returned
  /// Whether a continuation is at its end, asked after each of its tokens, from several threads.
  std::function<bool(std::span<const int32_t> ids)> ended = {};
};

/// The prompt runs once, then all continuations side by side. Number `prompt` and the number of the
/// continuation choose its random numbers, so that a model and its edit draw the same ones. A
/// prompt that leaves too little room loses tokens at its front. Errors: kInvalidArgument for an
/// empty prompt, kTooLong when max_tokens alone fill the context; those of Sampler and
/// Decoder::forward.
std::vector<std::vector<int32_t>> sample_continuations(Session& session,
                                                       std::span<const int32_t> prompt_ids,
                                                       uint64_t prompt,
                                                       const ContinuationOptions& options);

}  // namespace expertoire
