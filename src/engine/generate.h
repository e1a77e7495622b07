// Continuing a sequence token by token.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/sampler.h"
#include "engine/session.h"
#include "tokenizer/tokenizer.h"

namespace expertoire {

struct GenerateOptions {
  int64_t max_tokens = 128;
  SamplerOptions sampler;
  std::vector<int32_t> stop_ids;          ///< end of sequence; empty = never
  std::vector<std::string> stop_strings;  ///< need a tokenizer
  std::vector<Splice> splices;            ///< in the prompt
};

enum class FinishReason : uint8_t { kLength, kEos, kStop };
inline constexpr std::string_view kFinishReasonNames[] = {"length", "eos", "stop"};

struct Generated {
  std::vector<int32_t> ids;  ///< without the stop token
  std::string text;          ///< cut before a stop string; empty without a tokenizer
  FinishReason reason = FinishReason::kLength;
};

/// `on_text` gets text that is certain to stay, as it comes (may be null). `routing` observes the
/// prompt and every new token (may be null). Ends at max_tokens, or when the context is full.
/// Errors: those of the model (kTooLong for a prompt over its context); kInvalidArgument for stop
/// strings without a tokenizer and for an empty one.
Generated generate(Session& session, const Tokenizer* tokenizer, const std::vector<int32_t>& prompt,
                   const GenerateOptions& options,
                   const std::function<void(const std::string&)>& on_text = {},
                   RoutingSink* routing = nullptr);

}  // namespace expertoire
