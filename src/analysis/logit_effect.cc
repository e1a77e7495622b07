#include "analysis/logit_effect.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "analysis/layer_tensors.h"
#include "analysis/passages.h"

namespace expertoire {

LogitLens::LogitLens(const Checkpoint& checkpoint, const ModelConfig& config,
                     const Tokenizer& tokenizer)
    : head_(checked_tensor(
          checkpoint, config.tie_word_embeddings ? "model.embed_tokens.weight" : "lm_head.weight",
          {config.vocab_size, config.hidden_size})),
      norm_(read_tensor(checkpoint, "model.norm.weight", {config.hidden_size})),
      tokenizer_(tokenizer) {}

std::vector<std::vector<float>> LogitLens::logits(
    std::span<const std::vector<float>> outputs) const {
  const int64_t vocab = head_.shape[0], hidden = head_.shape[1];
  std::vector<std::vector<float>> weighed(outputs.begin(), outputs.end());
  for (std::vector<float>& output : weighed) {
    for (size_t k = 0; k < output.size(); ++k) output[k] *= norm_[k];
  }
  std::vector<std::vector<float>> logits(outputs.size(),
                                         std::vector<float>(static_cast<size_t>(vocab)));
  std::vector<float> row(static_cast<size_t>(hidden));
  for (int64_t v = 0; v < vocab; ++v) {
    read_f32(head_, v * hidden, hidden, row.data());
    for (size_t i = 0; i < weighed.size(); ++i) {
      logits[i][static_cast<size_t>(v)] =
          std::inner_product(row.begin(), row.end(), weighed[i].begin(), 0.0F);
    }
  }
  for (std::vector<float>& of_output : logits) {
    const double mean =
        std::accumulate(of_output.begin(), of_output.end(), 0.0) / static_cast<double>(vocab);
    for (float& logit : of_output) logit = static_cast<float>(logit - mean);
  }
  return logits;
}

std::vector<TokenLogit> LogitLens::first(std::vector<int32_t>& order,
                                         const std::vector<float>& logits, size_t most,
                                         float sign) const {
  const size_t count = std::min(most, order.size());
  std::ranges::partial_sort(
      order, order.begin() + static_cast<std::ptrdiff_t>(count), {},
      [&](int32_t id) { return std::pair(-sign * logits[static_cast<size_t>(id)], id); });
  std::vector<TokenLogit> tokens;
  for (size_t i = 0; i < count; ++i) {
    // Twice, since some decoders drop the space in front of the first.
    const std::vector<int32_t> twice = {order[i], order[i]};
    tokens.push_back(
        {order[i], pieces_of(tokenizer_, twice).back(), logits[static_cast<size_t>(order[i])]});
  }
  return tokens;
}

std::vector<LogitEffect> LogitLens::effects(std::span<const std::vector<float>> outputs,
                                            size_t most) const {
  // Rows beyond the tokenizer's ids pad the matrix.
  const int64_t tokens = std::min<int64_t>(head_.shape[0], tokenizer_.vocab_size());
  std::vector<int32_t> order(static_cast<size_t>(tokens));
  std::iota(order.begin(), order.end(), 0);
  std::vector<LogitEffect> effects;
  for (const std::vector<float>& of_output : logits(outputs)) {
    effects.push_back({first(order, of_output, most, 1.0F), first(order, of_output, most, -1.0F)});
  }
  return effects;
}

}  // namespace expertoire
