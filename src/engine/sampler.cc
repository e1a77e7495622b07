#include "engine/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace expertoire {
namespace {

void require(bool good, const char* name, double value, const char* expected) {
  if (good) return;
  throw Error(ErrorCode::kInvalidArgument,
              {"choosing how to sample", fmt::format("{} {}", name, value), expected, ""});
}

}  // namespace

Sampler::Sampler(const SamplerOptions& options) : options_(options), state_(options.seed) {
  require(std::isfinite(options.temperature) && options.temperature >= 0, "temperature",
          options.temperature, "0 or more");
  require(options.top_k >= 0, "top_k", options.top_k, "0 (all) or more");
  require(options.top_p > 0 && options.top_p <= 1, "top_p", options.top_p, "above 0, at most 1");
}

// splitmix64, 53 bits of it.
double Sampler::uniform() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
}

int32_t Sampler::sample(std::span<const float> logits) {
  if (options_.temperature == 0.0) {
    return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  }
  order_.resize(logits.size());
  std::iota(order_.begin(), order_.end(), 0);
  const auto larger = [&](int32_t a, int32_t b) {
    const float left = logits[static_cast<size_t>(a)];
    const float right = logits[static_cast<size_t>(b)];
    return left != right ? left > right : a < b;
  };
  size_t kept = logits.size();
  if (options_.top_k > 0) kept = std::min(kept, static_cast<size_t>(options_.top_k));
  std::partial_sort(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(kept),
                    order_.end(), larger);
  probs_.resize(kept);
  const double most = logits[static_cast<size_t>(order_[0])];
  double sum = 0;
  for (size_t i = 0; i < kept; ++i) {
    const double logit = logits[static_cast<size_t>(order_[i])];
    sum += probs_[i] = std::exp((logit - most) / options_.temperature);
  }
  double mass = 0;
  for (size_t i = 0; i < kept; ++i) {
    mass += probs_[i];
    if (mass >= options_.top_p * sum) kept = i + 1;
  }
  double left = uniform() * mass;
  for (size_t i = 0; i < kept; ++i) {
    left -= probs_[i];
    if (left < 0) return order_[i];
  }
  return order_[kept - 1];
}

}  // namespace expertoire
