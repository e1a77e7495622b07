#include "eval/correlation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace expertoire {
namespace {

using ::testing::ElementsAre;

TEST(CorrelationTest, RanksShareTheMeanOfTies) {
  EXPECT_THAT(ranks(std::vector<double>{3, 1, 3, -2, 3}), ElementsAre(4, 2, 4, 1, 4));
  EXPECT_THAT(ranks({}), ElementsAre());
}

// Expected values: scipy 1.17, pearsonr and spearmanr.
TEST(CorrelationTest, EqualsScipy) {
  const std::vector<double> x = {0.1, 0.4, 0.4, 0.9, -0.3}, y = {1, 2, 2.5, 2, 0};
  EXPECT_NEAR(pearson(x, y), 0.8209008498, 1e-9);
  EXPECT_NEAR(spearman(x, y), 0.7631578947, 1e-9);
  EXPECT_NEAR(spearman(y, y), 1, 1e-12);
}

TEST(CorrelationTest, OfConstantsIsNotANumber) {
  const std::vector<double> x = {1, 1, 1}, y = {1, 2, 3};
  EXPECT_TRUE(std::isnan(pearson(x, y)));
  EXPECT_TRUE(std::isnan(spearman(y, x)));
  EXPECT_TRUE(std::isnan(pearson({}, {})));
}

TEST(PairedValuesTest, OfAResampleIsThatOfItsPairs) {
  const std::vector<double> x = {0.1, 0.4, 0.4, 0.9, -0.3, 7}, y = {1, 2, 2.5, 2, 0, -1};
  const PairedValues pairs(x, y);
  const std::vector<uint32_t> items = {1, 3, 3, 0, 2, 3};
  std::vector<double> drawn_x, drawn_y;
  for (const uint32_t item : items) {
    drawn_x.push_back(x[item]);
    drawn_y.push_back(y[item]);
  }
  EXPECT_NEAR(pairs.pearson(items), pearson(drawn_x, drawn_y), 1e-12);
  EXPECT_NEAR(pairs.spearman(items), spearman(drawn_x, drawn_y), 1e-12);
  EXPECT_TRUE(std::isnan(pairs.spearman(std::vector<uint32_t>{2, 2, 2})));
}

// scipy.stats.pearsonr(…).pvalue and spearmanr(…).pvalue
TEST(CorrelationTest, PValues) {
  EXPECT_DOUBLE_EQ(correlation_p_value(1, 2), 1);
  EXPECT_NEAR(correlation_p_value(0.5, 3), 2.0 / 3, 1e-15);
  EXPECT_NEAR(correlation_p_value(-0.3, 4), 0.7000000000000001, 1e-14);
  EXPECT_NEAR(correlation_p_value(0.5, 10), 0.14111328125000006, 1e-14);
  EXPECT_NEAR(correlation_p_value(0.7, 17), 0.0017565271430063573, 1e-14);
  EXPECT_NEAR(correlation_p_value(-0.95, 16), 1.8346172668588195e-08, 1e-14);
  EXPECT_NEAR(correlation_p_value(0.2, 40), 0.2159578927209081, 1e-14);
  EXPECT_NEAR(correlation_p_value(1, 16), 0, 1e-15);
  EXPECT_DOUBLE_EQ(correlation_p_value(0, 9), 1);
}

}  // namespace
}  // namespace expertoire
