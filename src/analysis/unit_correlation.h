// Which units' scores go with a value that tokens have.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace expertoire {

/// Pearson's r of each unit's score and a value of tokens, over all tokens that were added: a unit
/// that did not serve a token has score 0 there. Sums only, 32 bytes a unit.
class UnitCorrelation {
 public:
  explicit UnitCorrelation(int64_t units)
      : counts_(static_cast<size_t>(units)),
        x_(static_cast<size_t>(units)),
        xx_(static_cast<size_t>(units)),
        xy_(static_cast<size_t>(units)) {}

  /// The tokens' values, each once whatever the layers.
  void add_tokens(std::span<const double> values);
  /// A use on a token with this value.
  void add_use(int64_t unit, double score, double value) {
    const size_t u = static_cast<size_t>(unit);
    ++counts_[u];
    x_[u] += score;
    xx_[u] += score * score;
    xy_[u] += score * value;
  }

  int64_t tokens() const { return tokens_; }
  /// Tokens that a unit served, and the sum of its scores there.
  int64_t count(int64_t unit) const { return counts_[static_cast<size_t>(unit)]; }
  double mass(int64_t unit) const { return x_[static_cast<size_t>(unit)]; }
  /// NaN when the scores, or the values, are all equal.
  double pearson(int64_t unit) const;

 private:
  int64_t tokens_ = 0;
  double y_ = 0, yy_ = 0;            // Σ value, Σ value²
  std::vector<int64_t> counts_;      // [units]
  std::vector<double> x_, xx_, xy_;  // [units]: Σ score, Σ score², Σ score · value
};

}  // namespace expertoire
