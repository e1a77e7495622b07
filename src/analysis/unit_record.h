// What an index says of one unit.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "analysis/unit.h"

namespace expertoire {

/// A use is a token that the unit served, and its score the weight there: of top-k routing that of
/// Stage::kWeights; of a joint expert Σ_h g1_hi · g2_hj, above the index's threshold; of a key
/// Σ_h g_h. Mass is a sum of scores.
inline constexpr int kHistogramBins = 20;
inline constexpr int kPositionBins = 12;

/// Bin b holds scores in [b, b + 1) · top / kHistogramBins, the last everything above; `top` is 1,
/// of factored routing H.
constexpr int histogram_bin(float score, float top) {
  const int bin = static_cast<int>(score / top * kHistogramBins);
  return bin < 0 ? 0 : bin < kHistogramBins ? bin : kHistogramBins - 1;
}
/// Bin 0 is position 0 of a window; bin b positions [2^(b−1), 2^b); the last everything above.
constexpr int position_bin(int position) {
  int bin = 0;
  for (; position > 0 && bin < kPositionBins - 1; position >>= 1) ++bin;
  return bin;
}

/// Uses in the documents of one label.
struct LabelUse {
  double mass = 0;
  uint32_t count = 0;
  uint32_t documents = 0;  ///< in which the unit's mass reached the index's support

  bool operator==(const LabelUse&) const = default;
};

/// Uses on one token of the vocabulary. A unit keeps a fixed number of them (space-saving: Metwally
/// et al., ICDT 2005), so count and mass may be too high: by `error` at most in mass; exact
/// where it is 0.
struct TokenUse {
  int32_t token = 0;
  uint32_t count = 0;
  double mass = 0;
  double error = 0;

  bool operator==(const TokenUse&) const = default;
};

/// One use, of the highest ones.
struct Context {
  int32_t document = 0;
  int32_t position = 0;  ///< token in the document
  float score = 0;

  bool operator==(const Context&) const = default;
};

struct UnitRecord {
  Unit unit;
  int64_t count = 0;
  double mass = 0;
  float max = 0;  ///< highest score
  std::array<uint32_t, kHistogramBins> histogram{};
  std::array<uint32_t, kPositionBins> positions{};
  std::vector<LabelUse> labels;   ///< one for each label of the index
  std::vector<TokenUse> tokens;   ///< by falling mass, equal ones by token
  std::vector<Context> contexts;  ///< by falling score, equal ones by document and position

  bool operator==(const UnitRecord&) const = default;
};

}  // namespace expertoire
