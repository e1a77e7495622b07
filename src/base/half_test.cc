// Conversions of 16-bit numbers against their definitions, value by value.
#include "base/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace expertoire {
namespace {

TEST(HalfTest, EveryF16IsItsSignExponentAndFraction) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const float got = f16_to_f32(static_cast<uint16_t>(bits));
    const int exponent = static_cast<int>(bits >> 10 & 0x1f);
    const double fraction = bits & 0x3ff;
    const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
    if (exponent == 31) {
      if (fraction != 0) {
        ASSERT_TRUE(std::isnan(got)) << bits;
      } else {
        ASSERT_EQ(got, sign * INFINITY) << bits;
      }
      continue;
    }
    const double expected =
        exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024.0 + fraction, exponent - 25);
    ASSERT_EQ(static_cast<double>(got), sign * expected) << bits;
    ASSERT_EQ(std::signbit(got), sign < 0) << bits;
  }
}

TEST(HalfTest, EveryBf16ComesBack) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const float value = bf16_to_f32(static_cast<uint16_t>(bits));
    const uint16_t back = f32_to_bf16(value);
    if (std::isnan(value)) {
      ASSERT_TRUE(std::isnan(bf16_to_f32(back))) << bits;
    } else {
      ASSERT_EQ(back, bits);
    }
  }
}

// The nearer neighbour; of two equally near, the one with an even last bit.
TEST(HalfTest, Bf16RoundsToNearestEven) {
  std::mt19937 random(1);
  for (int round = 0; round < 200000; ++round) {
    uint32_t bits = static_cast<uint32_t>(random());
    if (round % 2 == 0)
      bits =
          (bits & 0xffff0000) | static_cast<uint32_t>(0x7fff + random() % 3);  // about the middle
    float value;
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value)) continue;
    const auto low = static_cast<uint16_t>(bits >> 16);  // towards zero
    const uint16_t high = static_cast<uint16_t>(low + 1);
    const uint16_t got = f32_to_bf16(value);
    const uint32_t rest = bits & 0xffff;
    const uint16_t expected = rest > 0x8000 || (rest == 0x8000 && low % 2 == 1) ? high : low;
    ASSERT_EQ(got, expected) << std::hex << bits;
  }
}

TEST(HalfTest, Bf16Extremes) {
  EXPECT_EQ(f32_to_bf16(std::numeric_limits<float>::max()), 0x7f80) << "rounds to infinity";
  EXPECT_EQ(f32_to_bf16(-INFINITY), 0xff80);
  EXPECT_EQ(f32_to_bf16(-0.0F), 0x8000);
  uint32_t signalling = 0x7f800001;  // truncation alone would make this infinity
  float nan;
  std::memcpy(&nan, &signalling, sizeof nan);
  EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(nan))));
}

}  // namespace
}  // namespace expertoire
