#include "analysis/unit_correlation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "eval/correlation.h"

namespace expertoire {
namespace {

TEST(UnitCorrelationTest, EqualsPearsonOverAllTokensTheUnusedOnesToo) {
  constexpr size_t kTokens = 500;
  std::mt19937 random(7);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<double> values(kTokens);
  std::vector<std::vector<double>> scores(3, std::vector<double>(kTokens));
  UnitCorrelation correlation(4);
  for (size_t t = 0; t < kTokens; ++t) {
    values[t] = uniform(random);
    for (size_t unit = 0; unit < 3; ++unit) {
      if (uniform(random) < 0.7) continue;
      // unit 1 fires harder where the value is high, unit 2 where it is low
      const double pull = unit == 1 ? values[t] : unit == 2 ? 1 - values[t] : 0.5;
      scores[unit][t] = pull * uniform(random);
      correlation.add_use(static_cast<int64_t>(unit), scores[unit][t], values[t]);
    }
  }
  correlation.add_tokens(std::span(values).first(200));
  correlation.add_tokens(std::span(values).subspan(200));
  EXPECT_EQ(correlation.tokens(), 500);
  for (size_t unit = 0; unit < 3; ++unit) {
    EXPECT_NEAR(correlation.pearson(static_cast<int64_t>(unit)), pearson(scores[unit], values),
                1e-12);
  }
  EXPECT_GT(correlation.pearson(1), 0.15);
  EXPECT_LT(correlation.pearson(2), -0.15);
  EXPECT_TRUE(std::isnan(correlation.pearson(3)));  // never used
  EXPECT_EQ(correlation.count(3), 0);
}

TEST(UnitCorrelationTest, HasNoneWhereNothingVaries) {
  UnitCorrelation correlation(2);
  const std::vector<double> same(10, 0.3);
  for (int t = 0; t < 10; ++t) {
    correlation.add_use(0, 0.1, 0.3);             // a constant score
    if (t < 5) correlation.add_use(1, 0.1, 0.3);  // constant values
  }
  correlation.add_tokens(same);
  EXPECT_TRUE(std::isnan(correlation.pearson(0)));
  EXPECT_TRUE(std::isnan(correlation.pearson(1)));
  EXPECT_DOUBLE_EQ(correlation.mass(1), 0.5);
}

}  // namespace
}  // namespace expertoire
