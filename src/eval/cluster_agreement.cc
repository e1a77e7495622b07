#include "eval/cluster_agreement.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace expertoire {
namespace {

double log_factorial(double n) { return std::lgamma(n + 1); }
double pairs_of(double n) { return n * (n - 1) / 2; }

}  // namespace

Contingency::Contingency(std::span<const uint32_t> a, std::span<const uint32_t> b)
    : total_(static_cast<double>(a.size())) {
  for (size_t i = 0; i < a.size(); ++i) {
    ++a_[a[i]];
    ++b_[b[i]];
    ++both_[{a[i], b[i]}];
  }
}

double Contingency::entropy(const Counts& counts) const {
  double sum = 0;
  for (const auto& [value, count] : counts) sum -= count / total_ * std::log(count / total_);
  return sum;
}

double Contingency::mutual_information() const {
  double sum = 0;
  for (const auto& [both, count] : both_) {
    sum += count / total_ * std::log(count * total_ / (a_.at(both.first) * b_.at(both.second)));
  }
  return sum;
}

// Mutual information that a group of `a` and one of `b` items bring on average: their overlap is
// hypergeometric.
double Contingency::chance_information(double a, double b) const {
  const double fixed = log_factorial(a) + log_factorial(b) + log_factorial(total_ - a) +
                       log_factorial(total_ - b) - log_factorial(total_);
  double sum = 0;
  for (double n = std::max(1.0, a + b - total_); n <= std::min(a, b); ++n) {
    const double chance = fixed - log_factorial(n) - log_factorial(a - n) - log_factorial(b - n) -
                          log_factorial(total_ - a - b + n);
    sum += n / total_ * std::log(total_ * n / (a * b)) * std::exp(chance);
  }
  return sum;
}

double Contingency::expected_information() const {
  Counts sizes_a, sizes_b;  // how many groups have a size
  for (const auto& [value, count] : a_) ++sizes_a[static_cast<uint32_t>(count)];
  for (const auto& [value, count] : b_) ++sizes_b[static_cast<uint32_t>(count)];
  double sum = 0;
  for (const auto& [a, times_a] : sizes_a) {
    for (const auto& [b, times_b] : sizes_b) sum += times_a * times_b * chance_information(a, b);
  }
  return sum;
}

double Contingency::normalized_information() const {
  const double entropies = entropy(a_) + entropy(b_);
  if (entropies == 0) return 1;
  return std::max(0.0, 2 * mutual_information() / entropies);
}

double Contingency::adjusted_information() const {
  if (a_.size() <= 1 && b_.size() <= 1) return 1;
  const double expected = expected_information();
  const double most = (entropy(a_) + entropy(b_)) / 2 - expected;
  const double least = std::numeric_limits<double>::epsilon();
  const double denominator = most < 0 ? std::min(most, -least) : std::max(most, least);
  return (mutual_information() - expected) / denominator;
}

double Contingency::pair_jaccard() const {
  double in_a = 0, in_b = 0, in_both = 0;
  for (const auto& [value, count] : a_) in_a += pairs_of(count);
  for (const auto& [value, count] : b_) in_b += pairs_of(count);
  for (const auto& [value, count] : both_) in_both += pairs_of(count);
  const double in_either = in_a + in_b - in_both;
  return in_either == 0 ? 1 : in_both / in_either;
}

}  // namespace expertoire
