#include "analysis/load_balance.h"

#include <gtest/gtest.h>

#include <cmath>

namespace expertoire {
namespace {

// Straight from the definitions, zeros included.
LoadBalance by_definition(std::vector<double> loads, int64_t units) {
  loads.resize(static_cast<size_t>(units), 0.0);
  const double n = static_cast<double>(units);
  LoadBalance all{.units = units};
  double sum = 0, squares = 0, differences = 0;
  for (const double x : loads) {
    sum += x, squares += x * x, all.dead += x == 0;
    for (const double y : loads) differences += std::abs(x - y);
  }
  for (const double x : loads) {
    if (x > 0) all.entropy -= x / sum * std::log(x / sum) / std::log(n);
  }
  all.gini = differences / (2 * n * sum);
  all.jain = sum * sum / (n * squares);
  return all;
}

TEST(LoadBalanceTest, FollowsItsDefinitions) {
  const std::vector<double> loads = {5, 0, 0.25, 12, 1, 1, 7};
  const LoadBalance got = load_balance(loads, 9);
  const LoadBalance expected = by_definition(loads, 9);
  EXPECT_EQ(got.units, 9);
  EXPECT_EQ(got.dead, 3);
  EXPECT_EQ(got.dead, expected.dead);
  EXPECT_NEAR(got.entropy, expected.entropy, 1e-12);
  EXPECT_NEAR(got.gini, expected.gini, 1e-12);
  EXPECT_NEAR(got.jain, expected.jain, 1e-12);
  EXPECT_NEAR(got.top_share, 12 / 26.25, 1e-12);
}

TEST(LoadBalanceTest, ExtremesAreWhatTheyAreSaidToBe) {
  const LoadBalance even = load_balance(std::vector<double>(200, 3.0), 200);
  EXPECT_NEAR(even.entropy, 1, 1e-12);
  EXPECT_NEAR(even.gini, 0, 1e-12);
  EXPECT_NEAR(even.jain, 1, 1e-12);
  EXPECT_NEAR(even.top_share, 0.01, 1e-12) << "two of 200 units";
  const LoadBalance one = load_balance({4}, 64);
  EXPECT_EQ(one.entropy, 0);
  EXPECT_NEAR(one.gini, 63.0 / 64, 1e-12);
  EXPECT_NEAR(one.jain, 1.0 / 64, 1e-12);
  EXPECT_EQ(one.top_share, 1);
  const LoadBalance none = load_balance({}, 8);
  EXPECT_EQ(none.dead, 8);
  EXPECT_EQ(none.entropy + none.gini + none.jain + none.top_share, 0);
}

}  // namespace
}  // namespace expertoire
