#include "analysis/unit_correlation.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace expertoire {

void UnitCorrelation::add_tokens(std::span<const double> values) {
  for (const double value : values) {
    y_ += value;
    yy_ += value * value;
  }
  tokens_ += static_cast<int64_t>(values.size());
}

double UnitCorrelation::pearson(int64_t unit) const {
  constexpr double kRounding = 1e-12;  // of a variance that is 0, beside the mean square
  const size_t u = static_cast<size_t>(unit);
  const double n = static_cast<double>(tokens_);
  const double x_spread = xx_[u] - x_[u] * x_[u] / n, y_spread = yy_ - y_ * y_ / n;
  if (!(x_spread > kRounding * xx_[u]) || !(y_spread > kRounding * yy_)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const double r = (xy_[u] - x_[u] * y_ / n) / std::sqrt(x_spread * y_spread);
  return std::clamp(r, -1.0, 1.0);
}

}  // namespace expertoire
