#include "eval/bootstrap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <set>

namespace expertoire {
namespace {

using ::testing::ElementsAre;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> normal_values(size_t count) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal(3, 2);
  std::vector<double> values(count);
  for (double& value : values) value = normal(random);
  return values;
}

Statistic mean_of(const std::vector<double>& values) {
  return [&values](std::span<const uint32_t> items) {
    double sum = 0;
    for (const uint32_t item : items) sum += values[item];
    return sum / static_cast<double>(items.size());
  };
}

// The standard error of a mean of n values of spread 2 is 2 / √n.
TEST(BootstrapTest, IntervalOfAMeanIsAsWideAsTheoryHasIt) {
  const std::vector<double> values = normal_values(400);
  const Interval interval = bootstrap(values.size(), mean_of(values), {.resamples = 4000});
  EXPECT_DOUBLE_EQ(interval.value, mean_of(values)(each_item(400)));
  EXPECT_NEAR(interval.high - interval.low, 2 * 1.96 * 2 / 20, 0.03);
  EXPECT_NEAR((interval.high + interval.low) / 2, interval.value, 0.02);
}

TEST(BootstrapTest, SameSeedSameDraws) {
  const std::vector<double> values = normal_values(50);
  EXPECT_EQ(replicates(50, mean_of(values)), replicates(50, mean_of(values)));
  EXPECT_NE(replicates(50, mean_of(values), {.seed = 1}),
            replicates(50, mean_of(values), {.seed = 2}));
}

TEST(BootstrapTest, ADifferenceOfPairedRunsIsNarrowerThanTheirOwn) {
  const std::vector<double> a = normal_values(200);
  std::vector<double> b = a;
  for (double& value : b) value += 0.1;
  const Statistic of_a = mean_of(a), of_b = mean_of(b);
  const Interval difference =
      bootstrap(200, [&](std::span<const uint32_t> items) { return of_b(items) - of_a(items); });
  EXPECT_NEAR(difference.low, 0.1, 1e-9);
  EXPECT_NEAR(difference.high, 0.1, 1e-9);
}

// numpy.quantile([0, 1, …, 10], [0.1, 0.9])
TEST(BootstrapTest, QuantilesAreNumpys) {
  const Interval interval = interval_of(5, {3, 4, kNan, 5, 6, 7, 8, 9, 10, 0, 1, 2}, 0.8);
  EXPECT_DOUBLE_EQ(interval.low, 1);
  EXPECT_DOUBLE_EQ(interval.high, 9);
  EXPECT_TRUE(std::isnan(interval_of(5, {kNan}).low));
  EXPECT_DOUBLE_EQ(interval_of(0, {1, 2}, 0.5).low, 1.25);
}

TEST(BootstrapTest, DrawsEveryItem) {
  std::vector<int> seen(5);
  replicates(5, [&](std::span<const uint32_t> items) {
    EXPECT_EQ(items.size(), 5U);
    for (const uint32_t item : items) ++seen.at(item);
    return 0.0;
  });
  for (const int count : seen) EXPECT_NEAR(count, 1000, 100);
  EXPECT_THAT(each_item(3), ElementsAre(0, 1, 2));
}

// The means of halves spread around the mean of all as that of all does around the truth.
TEST(BootstrapTest, HalvesHoldAnItemOnceAndSpreadAsTheWhole) {
  const std::vector<double> values = normal_values(400);
  const Statistic mean = mean_of(values);
  std::vector<double> halves;
  for_each_half(400, {.resamples = 2000}, [&](Draw draw) {
    EXPECT_EQ(draw.size(), 200U);
    EXPECT_EQ(std::set(draw.begin(), draw.end()).size(), 200U);
    halves.push_back(mean(draw) + 7);  // a statistic that half of the items move
  });
  const double value = mean(each_item(400));
  const Interval of_halves = interval_of_halves(value, halves), whole = bootstrap(400, mean);
  EXPECT_NEAR(of_halves.low, whole.low, 0.1 * (whole.high - whole.low));
  EXPECT_NEAR(of_halves.high, whole.high, 0.1 * (whole.high - whole.low));
  EXPECT_EQ(of_halves.value, value);
}

}  // namespace
}  // namespace expertoire
