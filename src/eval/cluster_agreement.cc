#include "eval/cluster_agreement.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace expertoire {
namespace {

double pairs_of(double n) { return n * (n - 1) / 2; }

std::vector<double> log_factorials(size_t most) {
  std::vector<double> all(most + 1, 0.0);
  for (size_t n = 1; n <= most; ++n) all[n] = all[n - 1] + std::log(static_cast<double>(n));
  return all;
}

// Mutual information that a group of `a` and one of `b` items bring on average: their overlap is
// hypergeometric. `log_factorials`: of 0 … total.
double chance_information(size_t a, size_t b, std::span<const double> log_factorials) {
  const size_t total = log_factorials.size() - 1;
  const auto& log_of = log_factorials;
  const double fixed =
      log_of[a] + log_of[b] + log_of[total - a] + log_of[total - b] - log_of[total];
  const double mean = static_cast<double>(a) * static_cast<double>(b) / static_cast<double>(total);
  double sum = 0;
  for (size_t n = a + b > total ? std::max<size_t>(1, a + b - total) : 1; n <= std::min(a, b);
       ++n) {
    const double chance =
        std::exp(fixed - log_of[n] - log_of[a - n] - log_of[b - n] - log_of[total - a - b + n]);
    const auto overlap = static_cast<double>(n);
    sum += overlap / static_cast<double>(total) * std::log(overlap / mean) * chance;
    if (overlap > mean && chance < 1e-20) break;  // beyond the mode, chances only fall
  }
  return sum;
}

}  // namespace

Contingency::Contingency(std::span<const uint32_t> a, std::span<const uint32_t> b)
    : total_(static_cast<double>(a.size())) {
  std::vector<uint64_t> pairs;
  for (size_t i = 0; i < a.size(); ++i) pairs.push_back(uint64_t{a[i]} << 32 | b[i]);
  std::sort(pairs.begin(), pairs.end());
  for (size_t i = 0, end = 0; i < pairs.size(); i = end) {
    while (end < pairs.size() && pairs[end] == pairs[i]) ++end;
    const auto first = static_cast<uint32_t>(pairs[i] >> 32);
    const auto second = static_cast<uint32_t>(pairs[i]);
    const auto count = static_cast<double>(end - i);
    a_[first] += count;
    b_[second] += count;
    both_.push_back({first, second, count});
  }
}

double Contingency::entropy(const Counts& counts) const {
  double sum = 0;
  for (const auto& [value, count] : counts) sum -= count / total_ * std::log(count / total_);
  return sum;
}

double Contingency::mutual_information() const {
  double sum = 0;
  for (const auto& [a, b, count] : both_) {
    sum += count / total_ * std::log(count * total_ / (a_.at(a) * b_.at(b)));
  }
  return sum;
}

double Contingency::expected_information() const {
  Counts sizes_a, sizes_b;  // how many groups have a size
  for (const auto& [value, count] : a_) ++sizes_a[static_cast<uint32_t>(count)];
  for (const auto& [value, count] : b_) ++sizes_b[static_cast<uint32_t>(count)];
  const std::vector<double> factorials = log_factorials(static_cast<size_t>(total_));
  double sum = 0;
  for (const auto& [a, times_a] : sizes_a) {
    for (const auto& [b, times_b] : sizes_b) {
      sum += times_a * times_b * chance_information(a, b, factorials);
    }
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
  for (const Overlap& both : both_) in_both += pairs_of(both.count);
  const double in_either = in_a + in_b - in_both;
  return in_either == 0 ? 1 : in_both / in_either;
}

}  // namespace expertoire
