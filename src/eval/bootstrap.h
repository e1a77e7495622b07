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

/// Items of a draw.
using Draw = std::span<const uint32_t>;

/// Calls `use` with `resamples` draws of n items out of n, with replacement: the draws of
/// replicates(), for several statistics at once.
void for_each_resample(size_t n, const BootstrapOptions& options,
                       const std::function<void(Draw)>& use);

/// Calls `use` with `resamples` halves of n items, drawn without replacement. For statistics of
/// pairs of items, which an item that is drawn twice would spoil.
void for_each_half(size_t n, const BootstrapOptions& options, const std::function<void(Draw)>& use);

/// The interval of a statistic from its values on halves: `value` and the quantiles of how far they
/// lie from their mean. The mean of half of the items, drawn without replacement, spreads around
/// that of all as that of all does around the truth (the delete-half jackknife: Wu, Annals of
/// Statistics 18, 1990); their mean itself is off where a statistic depends on n.
Interval interval_of_halves(double value, std::vector<double> halves, double level = 0.95);

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
