// Bits of 16-bit floating point numbers.
#pragma once

#include <cstdint>
#include <cstring>

namespace expertoire {

/// bf16 bits → float (exact).
inline float bf16_to_f32(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

/// float → bf16 bits, round to nearest even; NaN stays NaN.
inline uint16_t f32_to_bf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/// IEEE half bits → float (exact, subnormals included).
float f16_to_f32(uint16_t bits);

}  // namespace expertoire
