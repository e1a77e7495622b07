// Arithmetic that says when it overflows: sizes from files go through here before any allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace expertoire {

/// a * b, or nothing when it does not fit.
inline std::optional<uint64_t> checked_mul(uint64_t a, uint64_t b) {
  uint64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) return std::nullopt;
  return result;
}

/// a + b, or nothing when it does not fit.
inline std::optional<uint64_t> checked_add(uint64_t a, uint64_t b) {
  uint64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) return std::nullopt;
  return result;
}

/// The smallest multiple of `step` that is at least `value` (both positive, result in range).
constexpr int64_t round_up(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

/// Quotient rounded up (both positive).
constexpr int64_t ceil_div(int64_t value, int64_t step) { return (value + step - 1) / step; }

}  // namespace expertoire
