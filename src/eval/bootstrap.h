// How far a score may be off: percentile bootstrap intervals (Efron & Tibshirani 1993, ch. 13).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace expertoire {

/// A score and the interval around it, in the score's own unit.
struct Interval {
  double value = 0;
  double low = 0;
  double high = 0;

  /// Whether 0 lies outside: what a difference must show before anyone calls it one.
  bool excludes_zero() const { return low > 0 || high < 0; }
};

struct BootstrapOptions {
  int resamples = 1000;
  uint64_t seed = 42;
  double level = 0.95;
};

/// A statistic of the items with these indices, of which one may come several times.
using IndexStatistic = std::function<double(std::span<const uint32_t>)>;

/// `statistic` of items 0 … n − 1, and its percentiles over resamples of n items each, interpolated
/// as numpy does. The same numbers on every machine: indices come from SplitMix64. Errors:
/// kInvalidArgument for no items, no resamples or a level outside (0, 1); kNumeric when the
/// statistic of all items is not finite. Resamples in which it is not (one class only) do not
/// count; where they all are such, the interval is the value.
Interval bootstrap(size_t n, const IndexStatistic& statistic, const BootstrapOptions& options = {});

/// The mean of `values`.
Interval bootstrap_mean(std::span<const double> values, const BootstrapOptions& options = {});

/// The mean of after − before over the same items: resamples take an item's two values together.
/// Errors: bootstrap()'s, and kInvalidArgument for lists of two lengths.
Interval paired_difference(std::span<const double> before, std::span<const double> after,
                           const BootstrapOptions& options = {});

}  // namespace expertoire
