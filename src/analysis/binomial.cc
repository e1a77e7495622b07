#include "analysis/binomial.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "eval/bootstrap.h"

namespace expertoire {
namespace {

// Where a function that rises from 0 to 1 reaches `target`, to the last digits of a double.
double solve(const std::function<double(double)>& rising, double target) {
  double low = 0, high = 1;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (rising(middle) < target ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

double binomial_upper_tail(int64_t successes, int64_t trials, double p) {
  if (successes <= 0) return 1;
  if (successes > trials || p <= 0) return 0;
  if (p >= 1) return 1;
  const auto n = static_cast<double>(trials);
  double sum = 0;
  for (int64_t i = trials; i >= successes; --i) {  // the smallest terms first, where p is small
    const auto k = static_cast<double>(i);
    sum += std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) +
                    k * std::log(p) + (n - k) * std::log1p(-p));
  }
  return std::min(sum, 1.0);
}

Bounds clopper_pearson(int64_t successes, int64_t trials, double level) {
  const double tail = (1 - level) / 2;
  Bounds bounds;
  if (successes > 0) {
    bounds.low = solve([&](double p) { return binomial_upper_tail(successes, trials, p); }, tail);
  }
  if (successes < trials) {
    bounds.high =
        solve([&](double p) { return binomial_upper_tail(successes + 1, trials, p); }, 1 - tail);
  }
  return bounds;
}

std::vector<double> benjamini_hochberg(std::span<const double> p) {
  std::vector<uint32_t> order = each_item(p.size());
  std::ranges::stable_sort(order, {}, [&](uint32_t i) { return p[i]; });
  std::vector<double> adjusted(p.size());
  double least = 1;
  for (size_t rank = order.size(); rank > 0; --rank) {
    const double scaled =
        p[order[rank - 1]] * static_cast<double>(p.size()) / static_cast<double>(rank);
    least = std::min(least, scaled);
    adjusted[order[rank - 1]] = least;
  }
  return adjusted;
}

}  // namespace expertoire
