#include "eval/cluster_agreement.h"

#include <gtest/gtest.h>

#include <vector>

namespace expertoire {
namespace {

using Labels = std::vector<uint32_t>;

// sklearn.metrics.adjusted_mutual_info_score, normalized_mutual_info_score
TEST(ContingencyTest, IsScikitLearns) {
  const Labels a = {0, 0, 1, 1, 2, 2, 2, 0}, b = {1, 1, 0, 0, 2, 2, 0, 0};
  const Contingency both(a, b);
  EXPECT_NEAR(both.adjusted_information(), 0.27454164973683337, 1e-12);
  EXPECT_NEAR(both.normalized_information(), 0.5300257549140327, 1e-12);
  const Contingency other(a, Labels{0, 1, 0, 1, 0, 1, 0, 1});
  EXPECT_NEAR(other.adjusted_information(), -0.20272812041746655, 1e-12) << "less than chance";
}

// Together in a: 3 + 1 + 3 pairs; in b: 1 + 6 + 1; in both: (0, 1), (2, 3), (4, 5).
TEST(ContingencyTest, JaccardCountsPairs) {
  const Contingency both(Labels{0, 0, 1, 1, 2, 2, 2, 0}, Labels{1, 1, 0, 0, 2, 2, 0, 0});
  EXPECT_DOUBLE_EQ(both.pair_jaccard(), 3.0 / (7 + 8 - 3));
}

TEST(ContingencyTest, ExtremesHaveValues) {
  const Labels one = {4, 4, 4}, each = {0, 1, 2};
  EXPECT_DOUBLE_EQ(Contingency(one, one).adjusted_information(), 1);
  EXPECT_DOUBLE_EQ(Contingency(one, one).normalized_information(), 1);
  EXPECT_DOUBLE_EQ(Contingency(each, each).pair_jaccard(), 1) << "no pair is together";
  EXPECT_DOUBLE_EQ(Contingency(one, each).pair_jaccard(), 0);
  EXPECT_NEAR(Contingency(one, each).adjusted_information(), 0, 1e-12);
  EXPECT_NEAR(Contingency(each, each).normalized_information(), 1, 1e-12);
}

}  // namespace
}  // namespace expertoire
