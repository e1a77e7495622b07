// What a unit adds to the logits of the next token by itself.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "io/checkpoint.h"
#include "model/config.h"
#include "tokenizer/tokenizer.h"

namespace expertoire {

struct TokenLogit {
  int32_t token = 0;
  std::string text;
  float logit = 0;
};

/// Tokens whose logits the unit raises and lowers the most.
struct LogitEffect {
  std::vector<TokenLogit> promoted;    ///< by falling logit
  std::vector<TokenLogit> suppressed;  ///< by rising logit
};

/// The way from the residual stream to the logits: what a vector that is added to the stream adds
/// to them if nothing after it reacts. Logit v of output d is Σ_k W_U[v, k] · w[k] · d[k], w the
/// weight of the last norm, less the mean over the vocabulary (which no softmax sees). The norm's
/// own factor, 1 / rms of the stream, is left out: it is one positive number for all tokens.
class LogitLens {
 public:
  /// Reads the tensors of a model folder; the matrix stays in the mapped file. Errors: those of
  /// Checkpoint, kBadFile for shapes that do not fit the configuration.
  LogitLens(const Checkpoint& checkpoint, const ModelConfig& config, const Tokenizer& tokenizer);

  /// [outputs][vocab] of outputs [hidden_size] each. One pass over the matrix for all.
  std::vector<std::vector<float>> logits(std::span<const std::vector<float>> outputs) const;
  /// The `most` tokens at both ends, of each output.
  std::vector<LogitEffect> effects(std::span<const std::vector<float>> outputs, size_t most) const;

 private:
  std::vector<TokenLogit> first(std::vector<int32_t>& order, const std::vector<float>& logits,
                                size_t most, float sign) const;

  const TensorView& head_;   // [vocab, hidden_size]
  std::vector<float> norm_;  // [hidden_size]
  const Tokenizer& tokenizer_;
};

}  // namespace expertoire
