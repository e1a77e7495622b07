#include "analysis/label_scores.h"

#include <gtest/gtest.h>

#include <cmath>

#include "analysis/labeller.h"

namespace expertoire {
namespace {

LabelCounts counts(int64_t each, int64_t right) { return {each, right, each, right, each}; }

TEST(LabelScoresTest, CountsByTaskAndAnswer) {
  const std::vector<LabelItem> items = {{LabelTask::kDetection, true, true, {}},
                                        {LabelTask::kDetection, false, true, {}},
                                        {LabelTask::kFuzzing, false, false, {}},
                                        {LabelTask::kFuzzing, true, true, {}}};
  const TaskCounts found = count_verdicts(items, {true, true, false, false});
  EXPECT_EQ(found[0].active_right, 1);
  EXPECT_EQ(found[0].others_right, 0);
  EXPECT_EQ(found[0].known, 1);
  EXPECT_EQ(found[1].active_right, 0);
  EXPECT_EQ(found[1].others_right, 1);
  EXPECT_EQ(found[1].known, 0);
  EXPECT_EQ(both(found).items(), 4);
  EXPECT_EQ(both(found).balanced_accuracy(), 0.5);
  EXPECT_TRUE(std::isnan(LabelCounts{1, 1}.balanced_accuracy()));
}

TEST(LabelScoresTest, AReliableLabelHasItemsAndAHighLowerBound) {
  const std::vector<LabelCounts> labels = {counts(20, 20), counts(20, 17), counts(20, 16),
                                           counts(19, 19), counts(200, 130)};
  const std::vector<LabelScore> scores = score_labels(labels, {});
  EXPECT_TRUE(scores[0].reliable);
  EXPECT_TRUE(scores[1].reliable);   // 34 of 40: low 0.702
  EXPECT_FALSE(scores[2].reliable);  // 32 of 40: low 0.644
  EXPECT_FALSE(scores[3].reliable);  // too few
  EXPECT_EQ(scores[3].q, 1);
  EXPECT_FALSE(scores[4].reliable);  // surely better than chance, and of little use
  EXPECT_LT(scores[4].q, 1e-6);
  EXPECT_DOUBLE_EQ(scores[2].q, scores[2].p);  // the largest of four
}

TEST(LabelScoresTest, TheBoundTellsBestAndStandsInTheWidestGap) {
  EXPECT_DOUBLE_EQ(best_bound(std::vector{5.0, 4.0, 1.0, 0.0}, {true, true, false, false}), 2.5);
  EXPECT_DOUBLE_EQ(best_bound(std::vector{5.0, 4.0, 1.0, 0.0}, {true, false, true, false}), 4.5);
  EXPECT_TRUE(std::isinf(best_bound(std::vector{1.0, 1.0}, {true, false})));
  EXPECT_TRUE(std::isinf(best_bound(std::vector{1.0, 2.0}, {true, false})));
  EXPECT_TRUE(std::isinf(best_bound(std::vector{1.0}, {true})));
}

}  // namespace
}  // namespace expertoire
