#include "eval/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "eval/mean.h"

namespace expertoire {

std::vector<uint32_t> each_item(size_t n) {
  std::vector<uint32_t> items(n);
  std::iota(items.begin(), items.end(), 0);
  return items;
}

std::vector<double> replicates(size_t n, const Statistic& statistic,
                               const BootstrapOptions& options) {
  std::mt19937_64 random(options.seed);
  std::vector<uint32_t> items(n);
  std::vector<double> all;
  for (int i = 0; i < options.resamples; ++i) {
    // the upper 32 bits times n, divided by 2^32: uniform but for n / 2^32
    for (uint32_t& item : items) item = static_cast<uint32_t>(((random() >> 32) * n) >> 32);
    all.push_back(statistic(items));
  }
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
