// One forward pass: embed → [norm → attention → add → norm → FFN step → add] × L.
#pragma once

#include <map>
#include <span>

#include "base/progress.h"
#include "model/model.h"
#include "routing/edit.h"
#include "routing/sink.h"

namespace expertoire {

/// Gets the residual stream of all tokens of a forward pass: index 0 before the first block,
/// index i after block i − 1. On the thread that runs the pass.
class HiddenSink {
 public:
  virtual ~HiddenSink() = default;
  /// `hidden`: f32 rows [tokens.size(), hidden_size], valid during the call only.
  virtual void on_hidden(int index, std::span<const TokenRef> tokens, const Rows& hidden) = 0;
};

/// Which tokens leave the last layer. kLast: the last of each chunk; the others end with their keys
/// and values there, for callers that read nothing more of them. What is left has the same bits.
enum class LastLayer { kAllTokens, kLastTokens };

/// What a forward pass shows and obeys; all of it optional.
struct ForwardHooks {
  const std::map<int, LayerEdit>* edits = nullptr;
  RoutingSink* routing = nullptr;
  HiddenSink* hidden = nullptr;
  const CancelToken* cancel = nullptr;
  LastLayer last_layer = LastLayer::kAllTokens;
};

/// What a token enters the model as, in place of its own embedding.
struct Splice {
  size_t at = 0;                     ///< index among the chunk's tokens
  std::span<const float> embedding;  ///< [hidden_size]
};

/// Tokens of one sequence to run: they continue what `cache` holds.
struct Chunk {
  KvCache* cache = nullptr;
  std::span<const int32_t> ids;
  std::span<const Splice> splices = {};
};

/// The mutable half of a model: scratch memory of one forward pass at a time.
class Decoder {
 public:
  Decoder(const Model& model, Executor& executor);

  /// Runs all chunks as one packed batch and commits their caches. A chunk's results do not
  /// depend on the others. Errors: kInvalidArgument (an id outside the vocabulary, an empty or
  /// repeated chunk, a splice of another shape), kTooLong (past max_position_embeddings), kNumeric
  /// with the layer, kCancelled.
  void forward(std::span<const Chunk> chunks, const ForwardHooks& hooks = {});

  /// Tokens that left the last forward pass, chunk after chunk.
  std::span<const TokenRef> tokens() const { return tokens_; }
  /// Row of the last token of a chunk.
  int64_t last_row(size_t chunk) const { return last_rows_[chunk]; }
  /// The residual stream after the last block, before the final norm: f32 [hidden_size].
  const float* hidden(int64_t row) const { return static_cast<const float*>(hidden_.row(row)); }
  /// The same after the final norm, into `out` [hidden_size].
  void final_norm(int64_t row, float* out) const;
  /// lm_head of some rows: out [rows.size(), vocab_size]. Errors: kInvalidArgument when the model
  /// was loaded without, kNumeric when a logit is NaN or infinite.
  void logits(std::span<const int64_t> rows, float* out);

 private:
  void check(std::span<const Chunk> chunks) const;
  void begin(std::span<const Chunk> chunks);
  void splice(std::span<const Chunk> chunks);
  void check_finite(float squares, int after) const;
  void norm(const std::vector<float>& weight, int after);
  void keep_last_rows(bool routing);
  void run_layer(int layer, std::span<const BatchSlice> slices, const ForwardHooks& hooks);

  const Model& model_;
  Executor& executor_;
  RopeTable rope_;
  std::vector<TokenRef> tokens_;
  std::vector<int64_t> last_rows_;
  std::vector<BatchSlice> slices_;
  Rows hidden_;
  FfnInput normed_;
  RowBuffer hidden_buffer_;
  RowBuffer normed_f32_;
  RowBuffer normed_compute_;
  AttentionScratch attention_scratch_;
  FfnScratch ffn_scratch_;
  Routing routing_;  // of the last layer that routed
};

}  // namespace expertoire
