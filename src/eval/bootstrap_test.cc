#include "eval/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "support/errors.h"

namespace expertoire {
namespace {

std::vector<double> ramp(size_t n) {
  std::vector<double> values(n);
  for (size_t i = 0; i < n; ++i) values[i] = static_cast<double>(i % 10);
  return values;
}

TEST(Bootstrap, IntervalOfAMeanIsAboutTwoStandardErrors) {
  const Interval interval = bootstrap_mean(ramp(400));
  const double error = std::sqrt(8.25 / 400);  // variance of 0 … 9
  EXPECT_DOUBLE_EQ(interval.value, 4.5);
  EXPECT_NEAR(interval.low, 4.5 - 1.96 * error, 0.15 * error);
  EXPECT_NEAR(interval.high, 4.5 + 1.96 * error, 0.15 * error);
}

TEST(Bootstrap, IsTheSameOnEveryMachine) {
  std::vector<uint32_t> first;
  bootstrap(10,
            [&](std::span<const uint32_t> indices) {
              first.assign(indices.begin(), indices.end());
              return 0.0;
            },
            {1});
  // SplitMix64 from seed 42, its upper 32 bits times 10 / 2^32, computed apart in Python.
  EXPECT_EQ(first, (std::vector<uint32_t>{7, 1, 2, 3, 0, 8, 2, 8, 3, 6}));
}

TEST(Bootstrap, LevelAndSeedCount) {
  const std::vector<double> values = ramp(50);
  const Interval wide = bootstrap_mean(values, {1000, 42, 0.99});
  const Interval narrow = bootstrap_mean(values, {1000, 42, 0.5});
  EXPECT_LT(wide.low, narrow.low);
  EXPECT_GT(wide.high, narrow.high);
  EXPECT_NE(bootstrap_mean(values, {1000, 43}).low, bootstrap_mean(values).low);
  EXPECT_EQ(bootstrap_mean(values).low, bootstrap_mean(values).low);
}

TEST(Bootstrap, AResampleWithoutTheStatisticDoesNotCount) {
  const auto needs_item_zero = [](std::span<const uint32_t> indices) {
    for (uint32_t i : indices) {
      if (i == 0) return 1.0;
    }
    return std::numeric_limits<double>::quiet_NaN();
  };
  const Interval interval = bootstrap(2, needs_item_zero);
  EXPECT_EQ(interval.low, 1.0);
  EXPECT_EQ(interval.high, 1.0);
}

TEST(Bootstrap, PairsTakeWhatVariesBetweenItemsOut) {
  const std::vector<double> before = ramp(100);
  std::vector<double> after = before;
  for (double& value : after) value += 0.01;
  const Interval difference = paired_difference(before, after);
  EXPECT_NEAR(difference.value, 0.01, 1e-12);
  EXPECT_TRUE(difference.excludes_zero());
  EXPECT_FALSE(paired_difference(before, before).excludes_zero());
  EXPECT_FALSE((Interval{0.1, 0, 0.2}.excludes_zero()));
}

TEST(Bootstrap, RefusesWhatHasNoScore) {
  EXPECT_THROW(bootstrap_mean({}), Error);
  EXPECT_THROW(bootstrap_mean(ramp(3), {0}), Error);
  EXPECT_THROW(bootstrap_mean(ramp(3), {10, 42, 1.0}), Error);
  EXPECT_THROW(paired_difference(ramp(3), ramp(4)), Error);
  const std::vector<double> nan = {std::nan("")};
  EXPECT_THROW(bootstrap_mean(nan), Error);
}

}  // namespace
}  // namespace expertoire
