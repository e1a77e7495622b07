#include "train/normal_quantile.h"

#include <cmath>
#include <numbers>

namespace expertoire::train {

double normal_quantile(double p) {
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

}  // namespace expertoire::train
