#include "base/checked.h"

#include <gtest/gtest.h>

#include <limits>

namespace expertoire {
namespace {

constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();

TEST(CheckedTest, ProductsThatFitAndOneMore) {
  EXPECT_EQ(checked_mul(0, kMost), 0U);
  EXPECT_EQ(checked_mul(kMost, 1), kMost);
  EXPECT_EQ(checked_mul(uint64_t{1} << 32, (uint64_t{1} << 32) - 1), kMost - 0xffffffffU);
  EXPECT_FALSE(checked_mul(uint64_t{1} << 32, uint64_t{1} << 32));
  EXPECT_FALSE(checked_mul(kMost, 2));
}

TEST(CheckedTest, SumsThatFitAndOneMore) {
  EXPECT_EQ(checked_add(kMost, 0), kMost);
  EXPECT_EQ(checked_add(kMost - 1, 1), kMost);
  EXPECT_FALSE(checked_add(kMost, 1));
}

TEST(CheckedTest, Rounding) {
  for (int64_t value = 1; value < 300; ++value) {
    EXPECT_GE(round_up(value, 64), value);
    EXPECT_LT(round_up(value, 64) - value, 64);
    EXPECT_EQ(round_up(value, 64) % 64, 0);
    EXPECT_EQ(ceil_div(value, 64), round_up(value, 64) / 64);
  }
}

}  // namespace
}  // namespace expertoire
