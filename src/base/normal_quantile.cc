#include "base/normal_quantile.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace expertoire {

double normal_quantile(double p) {
  if (p <= 0 || p >= 1) return std::copysign(std::numeric_limits<double>::infinity(), p - 0.5);
  // Bisection to a good start, then Newton: x −= (Φ(x) − p)/φ(x).
  const auto distribution = [](double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); };
  double low = -39;
  double high = 39;
  for (int i = 0; i < 40; ++i) {
    const double middle = 0.5 * (low + high);
    (distribution(middle) < p ? low : high) = middle;
  }
  double x = 0.5 * (low + high);
  for (int i = 0; i < 3; ++i) {
    const double density = std::exp(-0.5 * x * x) / std::sqrt(2 * std::numbers::pi);
    if (density > 0) x -= (distribution(x) - p) / density;
  }
  return x;
}

}  // namespace expertoire
