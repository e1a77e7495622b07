// Numbers that scipy.stats 1.17 gives: binom.sf, binomtest(...).proportion_ci("exact"),
// false_discovery_control.
#include "analysis/binomial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace expertoire {
namespace {

TEST(BinomialTest, UpperTail) {
  EXPECT_DOUBLE_EQ(binomial_upper_tail(0, 40, 0.5), 1);
  EXPECT_NEAR(binomial_upper_tail(27, 40, 0.5), 0.01923865414210013, 1e-12);
  EXPECT_NEAR(binomial_upper_tail(300, 1000, 0.25), 0.0001935903219490758, 1e-12);
  EXPECT_DOUBLE_EQ(binomial_upper_tail(41, 40, 0.5), 0);
  EXPECT_DOUBLE_EQ(binomial_upper_tail(3, 3, 0.5), 0.125);
}

TEST(BinomialTest, ClopperPearson) {
  const auto expect = [](const Bounds& bounds, double low, double high) {
    EXPECT_NEAR(bounds.low, low, 1e-12);
    EXPECT_NEAR(bounds.high, high, 1e-12);
  };
  expect(clopper_pearson(34, 40), 0.7016473331604235, 0.9428977418454741);
  expect(clopper_pearson(0, 10), 0, 0.30849710781876294);
  expect(clopper_pearson(10, 10), 0.6915028921812371, 1);
  expect(clopper_pearson(3, 7, 0.8), 0.16963841739671467, 0.7213979514184735);
  expect(clopper_pearson(0, 0), 0, 1);
}

TEST(BinomialTest, BenjaminiHochberg) {
  using testing::DoubleNear;
  const std::vector<double> p = {0.04, 0.001, 0.9, 0.012, 0.04};
  EXPECT_THAT(benjamini_hochberg(p),
              testing::ElementsAre(DoubleNear(0.05, 1e-15), DoubleNear(0.005, 1e-15),
                                   DoubleNear(0.9, 1e-15), DoubleNear(0.03, 1e-15),
                                   DoubleNear(0.05, 1e-15)));
  EXPECT_THAT(benjamini_hochberg({}), testing::IsEmpty());
}

}  // namespace
}  // namespace expertoire
