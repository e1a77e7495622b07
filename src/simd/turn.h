// Pieces of rows that the SIMD levels read alike. All are inlined by force: a copy of one level's
// must not serve another CPU.
#pragma once

#include <cstdint>

#include "simd/kernels.h"

namespace expertoire {

/// Inputs in a turn of a strip: eight bytes.
template <class T>
inline constexpr int kTurn = 8 / sizeof(T);

/// The bits of two neighbouring values.
[[gnu::always_inline]] inline int load_pair(const bf16_t* x) {
  int pair;
  __builtin_memcpy(&pair, x, sizeof pair);
  return pair;
}

/// The bits of a row's next `left` values, at most a turn of them; zeros behind.
template <class T>
[[gnu::always_inline]] inline long long last_turn(const T* x, int64_t left) {
  unsigned long long turn = 0;
  for (int64_t i = 0; i < left && i < kTurn<T>; ++i) {
    unsigned long long bits = 0;
    __builtin_memcpy(&bits, x + i, sizeof(T));
    turn |= bits << (8 * sizeof(T) * static_cast<unsigned>(i));
  }
  return static_cast<long long>(turn);
}

}  // namespace expertoire
