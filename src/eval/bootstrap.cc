#include "eval/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "eval/mean.h"

namespace expertoire {
namespace {

// The upper 32 bits times n, divided by 2^32: uniform but for n / 2^32.
uint32_t below(size_t n, std::mt19937_64& random) {
  return static_cast<uint32_t>(((random() >> 32) * n) >> 32);
}

}  // namespace

std::vector<uint32_t> each_item(size_t n) {
  std::vector<uint32_t> items(n);
  std::iota(items.begin(), items.end(), 0);
  return items;
}

void for_each_resample(size_t n, const BootstrapOptions& options,
                       const std::function<void(Draw)>& use) {
  std::mt19937_64 random(options.seed);
  std::vector<uint32_t> items(n);
  for (int i = 0; i < options.resamples; ++i) {
    for (uint32_t& item : items) item = below(n, random);
    use(items);
  }
}

void for_each_half(size_t n, const BootstrapOptions& options,
                   const std::function<void(Draw)>& use) {
  std::mt19937_64 random(options.seed);
  std::vector<uint32_t> items = each_item(n);
  for (int i = 0; i < options.resamples; ++i) {
    for (size_t k = 0; k < n / 2; ++k) std::swap(items[k], items[k + below(n - k, random)]);
    use(Draw(items).first(n / 2));
  }
}

Interval interval_of_halves(double value, std::vector<double> halves, double level) {
  const double mean = mean_of(halves);
  for (double& one : halves) one += value - mean;
  return interval_of(value, std::move(halves), level);
}

std::vector<double> replicates(size_t n, const Statistic& statistic,
                               const BootstrapOptions& options) {
  std::vector<double> all;
  for_each_resample(n, options, [&](Draw items) { all.push_back(statistic(items)); });
  return all;
}

Interval interval_of(double value, std::vector<double> replicates, double level) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  std::erase_if(replicates, [](double one) { return std::isnan(one); });
  if (replicates.empty()) return {value, kNan, kNan};
  std::sort(replicates.begin(), replicates.end());
  return {value, quantile(replicates, (1 - level) / 2), quantile(replicates, (1 + level) / 2)};
}

Interval bootstrap(size_t n, const Statistic& statistic, const BootstrapOptions& options) {
  return interval_of(statistic(each_item(n)), replicates(n, statistic, options), options.level);
}

}  // namespace expertoire
