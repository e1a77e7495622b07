// Loops without a loop, for the SIMD levels.
#pragma once

#include <utility>

namespace expertoire {

/// body(0) … body(N − 1), each with its index as a constant. Leaves no code of its own behind.
template <int N, class Body>
[[gnu::always_inline]] inline void unroll(Body&& body) {
  [&]<int... I>(std::integer_sequence<int, I...>) __attribute__((always_inline)) {
    (body(std::integral_constant<int, I>{}), ...);
  }
  (std::make_integer_sequence<int, N>{});
}

}  // namespace expertoire
