#include "eval/pair_scores.h"

#include <gtest/gtest.h>

#include <cmath>

namespace expertoire {
namespace {

// sklearn.metrics.average_precision_score([1, 0, 1, 1, 0], [.9, .8, .8, .3, .1])
TEST(PairScoresTest, AveragePrecisionTakesTiesTogether) {
  EXPECT_NEAR(average_precision(std::vector<double>{.9, .8, .8, .3, .1},
                                std::vector<uint8_t>{1, 0, 1, 1, 0}),
              1.0 / 3 + 2.0 / 9 + 0.25, 1e-12);
  EXPECT_TRUE(
      std::isnan(average_precision(std::vector<double>{.9, .8}, std::vector<uint8_t>{0, 0})));
}

TEST(PairScoresTest, ThresholdsLieBetweenDifferentScores) {
  const RankedPairs pairs(std::vector<double>{.9, .8, .8, .3, .1},
                          std::vector<uint8_t>{1, 0, 1, 1, 0});
  const PairScores scores = pairs.score();
  // above .2: four pairs, three of them right, and one negative below: 4 / 5; F1 2·3 / (4 + 3)
  EXPECT_DOUBLE_EQ(scores.accuracy, 0.8);
  EXPECT_DOUBLE_EQ(scores.f1, 6.0 / 7);
  const RankedPairs tied(std::vector<double>{.5, .5}, std::vector<uint8_t>{1, 0});
  EXPECT_DOUBLE_EQ(tied.score().accuracy, 0) << "no threshold at all, as in mteb";
}

TEST(PairScoresTest, AResampleCountsItsPairs) {
  const std::vector<double> scores = {.9, .8, .7, .3, .1};
  const std::vector<uint8_t> positive = {1, 0, 1, 1, 0};
  const std::vector<uint32_t> items = {4, 2, 2, 1, 0};
  std::vector<double> drawn;
  std::vector<uint8_t> drawn_positive;
  for (const uint32_t item : items) {
    drawn.push_back(scores[item]);
    drawn_positive.push_back(positive[item]);
  }
  const PairScores got = RankedPairs(scores, positive).score(items);
  const PairScores want = RankedPairs(drawn, drawn_positive).score();
  EXPECT_DOUBLE_EQ(got.ap, want.ap);
  EXPECT_DOUBLE_EQ(got.accuracy, want.accuracy);
  EXPECT_DOUBLE_EQ(got.f1, want.f1);
}

}  // namespace
}  // namespace expertoire
