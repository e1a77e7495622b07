// Mean and spread of a list of numbers.
#pragma once

#include <cmath>
#include <numeric>
#include <vector>

namespace expertoire {

inline double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Standard deviation of the values as they are (numpy.std).
inline double spread_of(const std::vector<double>& values) {
  const double mean = mean_of(values);
  double square = 0;
  for (const double value : values) square += (value - mean) * (value - mean);
  return std::sqrt(square / static_cast<double>(values.size()));
}

}  // namespace expertoire
