// Correlations of two lists of numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace expertoire {

/// Pearson's r (scipy.stats.pearsonr). NaN when a list is constant or shorter than 2.
double pearson(std::span<const double> x, std::span<const double> y);

/// Ranks from 1; equal values share the mean of theirs (scipy.stats.rankdata, "average").
std::vector<double> ranks(std::span<const double> values);

/// Spearman's rho: Pearson's r of the ranks (scipy.stats.spearmanr).
double spearman(std::span<const double> x, std::span<const double> y);

/// Two-sided p-value of a correlation r of n ≥ 2 independent pairs: 1 − P(|t| ≤ r √(ν / (1 − r²)))
/// of Student's t with ν = n − 2 (scipy's pearsonr and spearmanr; 1 for n = 2, as pearsonr).
double correlation_p_value(double r, size_t n);

/// Values that are sorted once and then ranked in resamples, in linear time each.
class RankedValues {
 public:
  explicit RankedValues(std::vector<double> values);

  /// Ranks of a resample in which value i counts weights[i] times, each times the root of its
  /// weight, from a mean of 0 to a norm of 1, so that the inner product of two lists is their
  /// Spearman's rho. NaN when all are equal.
  std::vector<double> unit_ranks(std::span<const uint32_t> weights) const;

 private:
  std::vector<double> values_;
  std::vector<uint32_t> order_;
};

/// How often each of `count` items is drawn.
std::vector<uint32_t> weights_of(std::span<const uint32_t> items, size_t count);

/// Correlations of resamples of fixed pairs (x, y), which are sorted once: linear time each.
class PairedValues {
 public:
  PairedValues(std::vector<double> x, std::vector<double> y);

  size_t size() const { return x_.size(); }
  /// Of the pairs `items`, each as often as it stands there.
  double pearson(std::span<const uint32_t> items) const;
  double spearman(std::span<const uint32_t> items) const;

 private:
  std::vector<double> x_, y_;
  std::vector<uint32_t> x_order_, y_order_;
};

}  // namespace expertoire
