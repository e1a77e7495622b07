// MoEE embeddings (arXiv 2410.10814, section 3): hidden state, routing weights, and both.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "embed/calibration.h"
#include "embed/prompt.h"
#include "engine/session.h"
#include "tokenizer/tokenizer.h"

namespace expertoire {

///   hidden   hidden state after the final norm                                  [hidden_size]
///   routing  router outputs of all layers with experts, side by side            [layers · experts]
///   concat   hidden and routing side by side
///   sum      [h/|h| ; sqrt(alpha)·r/|r|]: inner product = cos_hidden + alpha · cos_routing
enum class EmbedKind : uint8_t { kHidden, kRouting, kConcat, kSum };
inline constexpr std::string_view kEmbedKindNames[] = {"hidden", "routing", "concat", "sum"};

enum class Pooling : uint8_t { kLast, kMean };  ///< over tokens
inline constexpr std::string_view kPoolingNames[] = {"last", "mean"};
enum class LayerChoice : uint8_t { kLast, kAll };
inline constexpr std::string_view kLayerChoiceNames[] = {"last", "all"};
enum class Truncate : uint8_t { kNever, kLeft, kRight };  ///< the side that is cut off
inline constexpr std::string_view kTruncateNames[] = {"never", "left", "right"};

struct EmbedOptions {
  EmbedKind kind = EmbedKind::kHidden;
  Prompt prompt;
  Pooling pooling = Pooling::kLast;
  /// hidden: all = mean of transformers' hidden_states (the embedding, every block's output, the
  /// last after the final norm). routing: all = side by side.
  LayerChoice hidden_layers = LayerChoice::kLast;
  LayerChoice routing_layers = LayerChoice::kAll;
  std::optional<Stage> routing_stage;  ///< logits or probs; absent = the family's
  float alpha = 1.0F;
  Truncate truncate = Truncate::kNever;
};

/// hidden and routing of one text, before calibration.
struct EmbedParts {
  std::vector<float> hidden;
  std::vector<float> routing;
};

class Embedder {
 public:
  /// Errors: kInvalidArgument (routing of a dense model, a negative alpha, another stage).
  Embedder(Session& session, const Tokenizer& tokenizer, EmbedOptions options);

  const EmbedOptions& options() const { return options_; }
  Stage routing_stage() const { return stage_; }
  int64_t hidden_dim() const;
  int64_t routing_dim() const;
  /// Length of a finished vector of this kind.
  int64_t dim() const;
  bool wants_hidden() const { return options_.kind != EmbedKind::kRouting; }
  bool wants_routing() const { return options_.kind != EmbedKind::kHidden; }

  /// Prompt, then tokens, truncated if asked. Errors: kTooLong, kInvalidArgument (no tokens).
  std::vector<int32_t> tokenize(std::string_view text) const;
  /// One packed forward pass over tokenized texts. A text's parts do not depend on the others.
  std::vector<EmbedParts> parts(std::span<const std::vector<int32_t>> texts);
  /// Calibrates (null = raw) and combines: the vector of options().kind.
  std::vector<float> combine(EmbedParts parts, const CalibrationSet* calibration) const;

 private:
  std::vector<int32_t> shorten(std::vector<int32_t> ids, size_t most) const;
  class Collector;
  Session& session_;
  const Tokenizer& tokenizer_;
  EmbedOptions options_;
  Stage stage_;
};

/// The z-score of the paper's code over a batch: mean and unbiased standard deviation + 1e-8 of
/// each dimension; a batch of one gives zeros (moee.py, encode()).
void standardize_batch(std::vector<EmbedParts>& batch);

}  // namespace expertoire
