#include "analysis/mean_activation.h"

#include <cmath>
#include <numbers>

namespace expertoire {

double mean_relu2(double mean, double spread) {
  if (spread == 0) return mean > 0 ? mean * mean : 0;
  const double z = mean / spread;
  const double below = 0.5 * std::erfc(-z / std::numbers::sqrt2);
  const double density = std::exp(-0.5 * z * z) / std::sqrt(2 * std::numbers::pi);
  return (mean * mean + spread * spread) * below + mean * spread * density;
}

double mean_gelu(double variance) {
  return variance / std::sqrt(2 * std::numbers::pi * (1 + variance));
}

double weighed_dot(const float* a, const float* b, const std::vector<float>& w) {
  double sum = 0;
  for (size_t k = 0; k < w.size(); ++k) sum += double{w[k]} * w[k] * a[k] * b[k];
  return sum;
}

}  // namespace expertoire
