// Percentile bootstrap: how far a score would move with other items of the same kind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace expertoire {

/// A statistic of the items with these numbers, each as often as it stands there.
using Statistic = std::function<double(std::span<const uint32_t> items)>;

struct BootstrapOptions {
  int resamples = 1000;
  double level = 0.95;
  uint64_t seed = 42;
};

struct Interval {
  double value = 0;  ///< of all items, each once
  double low = 0, high = 0;
};

/// `statistic` of `resamples` draws of n items out of n, with replacement. The same options and n
/// give the same draws, so that two statistics on the same items are paired.
std::vector<double> replicates(size_t n, const Statistic& statistic,
                               const BootstrapOptions& options = {});

/// The quantiles (1 ∓ level) / 2 of replicates, as numpy.quantile; NaN ones are left out, and all
/// NaN gives NaN.
Interval interval_of(double value, std::vector<double> replicates, double level = 0.95);

/// Both at once. The interval of a difference of two paired runs is that of the statistic
/// a(items) − b(items).
Interval bootstrap(size_t n, const Statistic& statistic, const BootstrapOptions& options = {});

/// 0, 1, …, n − 1: every item once.
std::vector<uint32_t> each_item(size_t n);

}  // namespace expertoire
