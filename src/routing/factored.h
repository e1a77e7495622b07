// Factored routing: two distributions over n keys for each head, whose product weighs n² experts.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace expertoire {

/// One side's choice for T tokens, H heads, n keys. Only keys that some head kept are listed.
struct FactoredSide {
  std::vector<float> logits;  ///< [T, H, n], before any normalisation
  /// The router's own, [H, n]: what it subtracts, and multiplies by, before it compares.
  std::span<const float> mean, inverse;
  std::vector<int64_t> begin;   ///< [T + 1]: token t keeps entries [begin[t], begin[t + 1])
  std::vector<int32_t> keys;    ///< [entries], rising within a token
  std::vector<float> scores;    ///< [entries, H]: g, 0 where that head dropped the key
  std::vector<int32_t> active;  ///< [T, H]: keys that the head kept
};

/// A joint expert (i, j) of one token with its score Σ_h g1_hi · g2_hj; id = i · n + j.
struct JointExpert {
  int32_t id = 0;
  float score = 0.0F;
};

/// Monet's routing (arXiv 2412.04139, section 3): sides[0] chooses i, sides[1] chooses j.
struct FactoredRouting {
  int64_t tokens = 0;
  int heads = 0;
  int keys = 0;
  std::array<FactoredSide, 2> sides;

  /// Kept keys of a token, and their scores [entries, H].
  std::span<const int32_t> kept(int side, int64_t token) const;
  const float* scores(int side, int64_t token) const;
  /// g of one head and all keys of a token, into `out` [H, n].
  void expand(int side, int64_t token, float* out) const;
  /// A token's joint experts whose score is above `least`, the highest first, equal ones by id.
  std::vector<JointExpert> joint(int64_t token, float least) const;
  /// Drops all tokens but these, rising; token i is then what `kept[i]` was.
  void keep_tokens(std::span<const int64_t> kept);
};

}  // namespace expertoire
