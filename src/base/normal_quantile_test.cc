#include "base/normal_quantile.h"

#include <gtest/gtest.h>

#include <limits>

namespace expertoire {
namespace {

// scipy.stats.norm.ppf; 1 − 32/512 is Monet's default threshold (papers.md 1.2).
TEST(NormalQuantile, EqualsScipy) {
  EXPECT_NEAR(normal_quantile(1 - 32.0 / 512), 1.5341205443525463, 1e-15);
  EXPECT_NEAR(normal_quantile(0.75), 0.67448975019608170, 1e-15);
  EXPECT_NEAR(normal_quantile(1e-10), -6.3613409024040557, 1e-13);
  EXPECT_NEAR(normal_quantile(1 - 1.0 / 32768), 4.0087725941688834, 1e-12);
  EXPECT_NEAR(normal_quantile(0.5), 0.0, 1e-15);
  EXPECT_EQ(normal_quantile(0), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(normal_quantile(1), std::numeric_limits<double>::infinity());
}

}  // namespace
}  // namespace expertoire
