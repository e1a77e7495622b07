// How well a model predicts documents, in units that do not depend on the tokenizer.
#pragma once

#include <cstdint>
#include <functional>
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

/// Of some of the documents, each as often as it stands in `items`.
TextScore sum_of(const std::vector<TextScore>& documents, std::span<const uint32_t> items);

/// What is said of a sum of documents, as perplexity_result() calls it.
struct TextMeasure {
  const char* name;
  double (TextScore::*of)() const;
};
inline constexpr TextMeasure kTextMeasures[] = {
    {"bits_per_byte", &TextScore::bits_per_byte},
    {"perplexity", &TextScore::perplexity},
    {"nll_mean", &TextScore::nll_mean},
};

/// Tokens of a window and between windows; 0 = the model's context, at most 2048, and half of that.
struct WindowOptions {
  int64_t context = 0;
  int64_t stride = 0;
};

/// A document that is scored in part: tokens 1 … next − 1 are, and their −log p add up to `nats`.
struct ScoredPart {
  int64_t next = 1;
  double nats = 0;
};

/// Called after each window; `tokens`: of the whole document.
using PartSink = std::function<void(const ScoredPart& part, int64_t tokens)>;

/// By score_windows(), from where `begun` ended: a document in two parts has the bits of one in
/// one. Errors: those of score_windows() and the tokenizer.
TextScore score_text(Session& session, const Tokenizer& tokenizer, const std::string& text,
                     const WindowOptions& windows, const PartSink& sink = {},
                     const ScoredPart& begun = {});

/// Of the sum of documents; intervals over documents, where there are two or more. Its items are
/// each document's nats, scored tokens and scored bytes. Errors: kInvalidArgument when no document
/// has two tokens.
EvalResult perplexity_result(const std::string& dataset, const std::vector<TextScore>& documents,
                             const BootstrapOptions& options);

}  // namespace expertoire
