// Choosing the next token.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace expertoire {

struct SamplerOptions {
  double temperature = 0.0;  ///< 0 = greedy
  int top_k = 0;             ///< 0 = all
  double top_p = 1.0;        ///< smallest set of tokens with at least this probability
  uint64_t seed = 0;
};

/// Deterministic: the same options and logits give the same tokens on every machine.
class Sampler {
 public:
  /// Errors: kInvalidArgument for values out of range.
  explicit Sampler(const SamplerOptions& options);
  /// Greedy takes the largest logit, the lower id of two. Otherwise logits / temperature, then
  /// top_k, then top_p, then a draw (the order of transformers' warpers).
  int32_t sample(std::span<const float> logits);

 private:
  double uniform();
  SamplerOptions options_;
  uint64_t state_;
  std::vector<int32_t> order_;
  std::vector<double> probs_;
};

}  // namespace expertoire
