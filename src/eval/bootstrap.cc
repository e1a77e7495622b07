#include "eval/bootstrap.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/error.h"

namespace expertoire {
namespace {

// SplitMix64 (Steele, Lea & Flood 2014). The distributions of <random> differ between libraries.
class IndexGenerator {
 public:
  explicit IndexGenerator(uint64_t seed) : state_(seed) {}

  // Uniform in [0, n), n < 2^32, by Lemire's multiplication; its bias is below n / 2^32.
  uint32_t below(uint64_t n) { return static_cast<uint32_t>(((next() >> 32) * n) >> 32); }

 private:
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

  uint64_t state_;
};

void check(size_t n, const BootstrapOptions& options) {
  const std::string operation = "bootstrapping a score";
  if (n == 0 || n > std::numeric_limits<uint32_t>::max()) {
    throw Error(ErrorCode::kInvalidArgument,
                {operation, fmt::format("{} items", n), "between 1 and 2^32 - 1", ""});
  }
  if (options.resamples < 1 || !(options.level > 0 && options.level < 1)) {
    throw Error(ErrorCode::kInvalidArgument,
                {operation, fmt::format("{} resamples, level {}", options.resamples, options.level),
                 "at least one, and a level between 0 and 1", ""});
  }
}

// numpy.quantile's default: linear between the two nearest.
double quantile(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

double mean(std::span<const double> values, std::span<const uint32_t> indices) {
  double sum = 0;
  for (uint32_t i : indices) sum += values[i];
  return sum / static_cast<double>(indices.size());
}

}  // namespace

Interval bootstrap(size_t n, const IndexStatistic& statistic, const BootstrapOptions& options) {
  check(n, options);
  std::vector<uint32_t> indices(n);
  std::iota(indices.begin(), indices.end(), 0U);
  const double value = statistic(indices);
  if (!std::isfinite(value)) {
    throw Error(ErrorCode::kNumeric, {"bootstrapping a score", fmt::format("a score of {}", value),
                                      "a finite one", "check the items that it is made of"});
  }
  IndexGenerator generator(options.seed);
  std::vector<double> values;
  for (int sample = 0; sample < options.resamples; ++sample) {
    for (uint32_t& index : indices) index = generator.below(n);
    const double resampled = statistic(indices);
    if (std::isfinite(resampled)) values.push_back(resampled);
  }
  if (values.empty()) return {value, value, value};
  std::sort(values.begin(), values.end());
  const double tail = (1 - options.level) / 2;
  return {value, quantile(values, tail), quantile(values, 1 - tail)};
}

Interval bootstrap_mean(std::span<const double> values, const BootstrapOptions& options) {
  return bootstrap(
      values.size(), [&](std::span<const uint32_t> indices) { return mean(values, indices); },
      options);
}

Interval paired_difference(std::span<const double> before, std::span<const double> after,
                           const BootstrapOptions& options) {
  if (before.size() != after.size()) {
    throw Error(ErrorCode::kInvalidArgument,
                {"comparing two runs", fmt::format("{} and {} items", before.size(), after.size()),
                 "the same items in both", "score both on the same files with the same options"});
  }
  std::vector<double> differences(before.size());
  for (size_t i = 0; i < before.size(); ++i) differences[i] = after[i] - before[i];
  return bootstrap_mean(differences, options);
}

}  // namespace expertoire
