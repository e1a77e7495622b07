#include "eval/correlation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

namespace expertoire {
namespace {

// Pearson's r of pairs that count `weights` times; NaN where one of them is constant.
double weighted_pearson(std::span<const double> x, std::span<const double> y,
                        std::span<const uint32_t> weights) {
  double total = 0, sum_x = 0, sum_y = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    total += weights[i];
    sum_x += weights[i] * x[i];
    sum_y += weights[i] * y[i];
  }
  const double mean_x = sum_x / total, mean_y = sum_y / total;
  double xy = 0, xx = 0, yy = 0;
  bool x_varies = false, y_varies = false;
  size_t first = x.size();
  for (size_t i = 0; i < x.size(); ++i) {
    if (weights[i] == 0) continue;
    if (first == x.size()) first = i;
    x_varies |= x[i] != x[first];
    y_varies |= y[i] != y[first];
    const double dx = x[i] - mean_x, dy = y[i] - mean_y;
    xy += weights[i] * dx * dy;
    xx += weights[i] * dx * dx;
    yy += weights[i] * dy * dy;
  }
  if (!x_varies || !y_varies) return std::numeric_limits<double>::quiet_NaN();
  return std::clamp(xy / std::sqrt(xx) / std::sqrt(yy), -1.0, 1.0);
}

std::vector<uint32_t> sorting_order(std::span<const double> values) {
  std::vector<uint32_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return values[a] < values[b]; });
  return order;
}

// Equal values share the mean of their ranks; a value that counts w times has w of them.
std::vector<double> weighted_ranks(std::span<const double> values, std::span<const uint32_t> order,
                                   std::span<const uint32_t> weights) {
  std::vector<double> ranks(values.size());
  double before = 0;
  for (size_t first = 0, last = 0; first < order.size(); first = last) {
    double here = 0;
    while (last < order.size() && values[order[last]] == values[order[first]]) {
      here += weights[order[last++]];
    }
    for (size_t i = first; i < last; ++i) ranks[order[i]] = before + (here + 1) / 2;
    before += here;
  }
  return ranks;
}

std::vector<uint32_t> once(size_t count) { return std::vector<uint32_t>(count, 1); }

}  // namespace

double pearson(std::span<const double> x, std::span<const double> y) {
  return weighted_pearson(x, y, once(x.size()));
}

std::vector<double> ranks(std::span<const double> values) {
  return weighted_ranks(values, sorting_order(values), once(values.size()));
}

// The finite series of Abramowitz & Stegun 26.7.3 and 26.7.4, in which sin θ = |r|.
double correlation_p_value(double r, size_t n) {
  const double sine = std::min(1.0, std::abs(r)), square = 1 - sine * sine;
  const size_t freedom = n - 2;
  if (freedom == 0) return 1;
  const bool odd = freedom % 2 == 1;
  double term = odd ? sine * std::sqrt(square) : sine, sum = odd ? std::asin(sine) : 0;
  for (size_t k = odd ? 2 : 1; k < freedom; k += 2) {
    sum += term;
    term *= square * static_cast<double>(k) / static_cast<double>(k + 1);
  }
  return std::max(0.0, 1 - (odd ? 2 / std::numbers::pi : 1) * sum);
}

double spearman(std::span<const double> x, std::span<const double> y) {
  return pearson(ranks(x), ranks(y));
}

std::vector<uint32_t> weights_of(std::span<const uint32_t> items, size_t count) {
  std::vector<uint32_t> weights(count);
  for (const uint32_t item : items) ++weights[item];
  return weights;
}

RankedValues::RankedValues(std::vector<double> values)
    : values_(std::move(values)), order_(sorting_order(values_)) {}

std::vector<double> RankedValues::unit_ranks(std::span<const uint32_t> weights) const {
  std::vector<double> ranks = weighted_ranks(values_, order_, weights);
  double total = 0;
  for (const uint32_t weight : weights) total += weight;
  double square = 0;
  for (size_t i = 0; i < ranks.size(); ++i) {
    ranks[i] = std::sqrt(static_cast<double>(weights[i])) * (ranks[i] - (total + 1) / 2);
    square += ranks[i] * ranks[i];
  }
  for (double& rank : ranks) rank /= std::sqrt(square);
  return ranks;
}

PairedValues::PairedValues(std::vector<double> x, std::vector<double> y)
    : x_(std::move(x)),
      y_(std::move(y)),
      x_order_(sorting_order(x_)),
      y_order_(sorting_order(y_)) {}

double PairedValues::pearson(std::span<const uint32_t> items) const {
  return weighted_pearson(x_, y_, weights_of(items, size()));
}

double PairedValues::spearman(std::span<const uint32_t> items) const {
  const std::vector<uint32_t> weights = weights_of(items, size());
  return weighted_pearson(weighted_ranks(x_, x_order_, weights),
                          weighted_ranks(y_, y_order_, weights), weights);
}

}  // namespace expertoire
