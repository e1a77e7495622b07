// Texts in, embeddings out, in order: packs texts into forward passes of a token budget.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "embed/embedder.h"

namespace expertoire {

/// Memory holds one batch, whatever the number of texts.
class EmbedPipeline {
 public:
  using Sink = std::function<void(EmbedParts)>;

  EmbedPipeline(Embedder& embedder, int64_t batch_tokens, Sink sink)
      : embedder_(embedder), batch_tokens_(batch_tokens), sink_(std::move(sink)) {}

  /// Runs a pass when the budget is reached; a text longer than the budget runs alone.
  /// Errors: those of Embedder::tokenize and of the model.
  void add(std::string_view text) { add(embedder_.tokenize(text)); }
  /// The same for the ids that Embedder::tokenize gave. An error may be that of an earlier text.
  void add(std::vector<int32_t> ids);
  /// Runs what is left.
  void flush();
  int64_t tokens() const { return total_tokens_; }

 private:
  Embedder& embedder_;
  int64_t batch_tokens_;
  Sink sink_;
  std::vector<std::vector<int32_t>> batch_;
  int64_t pending_tokens_ = 0;
  int64_t total_tokens_ = 0;
};

}  // namespace expertoire
