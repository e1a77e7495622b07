#include "analysis/log_odds.h"

#include <gtest/gtest.h>

#include <cmath>

namespace expertoire {
namespace {

// eq. 15 and 20 by hand: 8 of 16 own, 2 of 100 others, a prior of 40.
TEST(LogOddsTest, IsTheFormula) {
  const LogOdds found = log_odds({8, 16}, {2, 100}, 40);
  const double prior = 40 * 10.0 / 116;
  const double own = std::log((8 + prior) / (16 + 40 - 8 - prior));
  const double others = std::log((2 + prior) / (100 + 40 - 2 - prior));
  EXPECT_NEAR(found.difference, own - others, 1e-12);
  EXPECT_NEAR(found.z, (own - others) / std::sqrt(1 / (8 + prior) + 1 / (2 + prior)), 1e-12);
}

TEST(LogOddsTest, EqualSharesAreZeroAndSidesAreOpposite) {
  EXPECT_NEAR(log_odds({5, 50}, {10, 100}, 30).difference, 0, 0.05);
  EXPECT_NEAR(log_odds({7, 30}, {1, 30}, 9).z, -log_odds({1, 30}, {7, 30}, 9).z, 1e-12);
}

TEST(LogOddsTest, WhatIsEverywhereIsNoDifference) {
  EXPECT_EQ(log_odds({16, 16}, {300, 300}, 160).difference, 0);
  EXPECT_EQ(log_odds({16, 16}, {300, 300}, 160).z, 0);
}

// What was seen once is not salient, however rare it is elsewhere; what was seen often is.
TEST(LogOddsTest, OneUseOfARareWordIsNoEvidence) {
  EXPECT_LT(log_odds({1, 16}, {0, 8000}, 160).z, 1.96);
  EXPECT_GT(log_odds({8, 16}, {0, 8000}, 160).z, 1.96);
}

}  // namespace
}  // namespace expertoire
