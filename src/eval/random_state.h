// The random numbers of numpy.random.RandomState, so that a seed draws the same samples as mteb's.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <utility>

namespace expertoire {

class RandomState {
 public:
  explicit RandomState(uint32_t seed) : generator_(seed) {}

  /// Uniform in [0, most] (numpy's legacy random_interval: the lowest bits, drawn again when too
  /// large).
  uint32_t interval(uint32_t most);
  /// Uniform in [0, 1) with 53 bits (random_sample).
  double uniform();

  /// RandomState.shuffle of a list.
  template <class T>
  void shuffle(std::span<T> values) {
    for (size_t i = values.size(); i-- > 1;) {
      std::swap(values[i], values[interval(static_cast<uint32_t>(i))]);
    }
  }

 private:
  std::mt19937 generator_;
};

}  // namespace expertoire
