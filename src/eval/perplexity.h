// How well a model predicts documents, in units that do not depend on the tokenizer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/session.h"
#include "eval/result.h"
#include "tokenizer/tokenizer.h"

namespace expertoire {

/// Sums over one document, or over several.
struct TextScore {
  double nats = 0;  ///< −log p of the scored tokens
  int64_t documents = 0, tokens = 0, scored = 0;
  int64_t bytes = 0;
  /// Of the characters that scored tokens complete. The first token is never scored: it is BOS,
  /// which has none, or the text's own.
  int64_t scored_bytes = 0;

  TextScore& operator+=(const TextScore& other);
  double nll_mean() const { return nats / static_cast<double>(scored); }
  double perplexity() const;
  double bits_per_byte() const;
};

/// Tokens of a window and between windows; 0 = the model's context, at most 2048, and half of that.
struct WindowOptions {
  int64_t context = 0;
  int64_t stride = 0;
};

/// By sliding_log_probs(). Errors: its own and the tokenizer's.
TextScore score_text(Session& session, const Tokenizer& tokenizer, const std::string& text,
                     const WindowOptions& windows, const ProgressSink& progress = {});

/// Of the sum of documents; intervals over documents, where there are two or more. Errors:
/// kInvalidArgument when no document has two tokens.
EvalResult perplexity_result(const std::string& dataset, const std::vector<TextScore>& documents,
                             const BootstrapOptions& options);

/// after − before in bits a byte, perplexity and nats a token, documents drawn in pairs.
EvalResult perplexity_difference(const std::string& dataset, const std::vector<TextScore>& before,
                                 const std::vector<TextScore>& after,
                                 const BootstrapOptions& options);

}  // namespace expertoire
