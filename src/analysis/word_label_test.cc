#include "analysis/word_label.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace expertoire {
namespace {

ContextWindow window(std::vector<std::string> pieces, size_t marked) {
  return {{}, std::vector<int32_t>(pieces.size()), std::move(pieces), marked};
}

std::vector<ContextWindow> times(const ContextWindow& one, size_t count) {
  return std::vector<ContextWindow>(count, one);
}

class WordLabelTest : public testing::Test {
 protected:
  WordLabelTest() {
    own_.add(times(window({"the", " cell", " wall", "."}, 1), 10));
    background_.add(times(window({"the", " cell", " wall", "."}, 1), 10));
    background_.add(times(window({"a", " market", " price", "."}, 1), 300));
    background_.add(times(window({"the", " law", " of", " land"}, 2), 300));
  }
  FeatureCounts own_, background_;
};

TEST_F(WordLabelTest, NamesWhatOnlyTheUnitHas) {
  const WordLabel label(own_, background_, true);
  EXPECT_THAT(label.text(), testing::HasSubstr("\"cell\""));
  EXPECT_THAT(label.text(), testing::HasSubstr("before \"wall\""));
  EXPECT_THAT(label.text(), testing::HasSubstr("near wall"));
  EXPECT_THAT(label.text(), testing::Not(testing::HasSubstr("word start")));  // all have it
  EXPECT_THAT(label.text(), testing::Not(testing::HasSubstr("\" cell\"")));   // said already
}

TEST_F(WordLabelTest, OfNoDifferenceIsNothing) {
  const WordLabel label(background_, background_, true);
  EXPECT_EQ(label.text(), "nothing salient");
  EXPECT_THAT(label.scores(window({"a", " cell"}, 1)), testing::Each(0.0));
}

TEST_F(WordLabelTest, ScoresTokensByTheirFeatures) {
  const WordLabel label(own_, background_, true);
  const std::vector<double> with = label.scores(window({"one", " cell", " wall", " fell"}, 0));
  EXPECT_GT(with[1], with[0]);
  EXPECT_GT(with[1], with[3]);
  const std::vector<double> without = label.scores(window({"one", " law", " of", " men"}, 0));
  EXPECT_GT(with[0], without[0]);  // the word nearby
  EXPECT_EQ(without[3], 0);
}

TEST_F(WordLabelTest, OverlapIsTheSharePresentInBoth) {
  const WordLabel label(own_, background_, true);
  EXPECT_EQ(overlap(label, label), 1);
  EXPECT_EQ(overlap(label, WordLabel()), 0);
  EXPECT_EQ(overlap(WordLabel(), WordLabel()), 0);
}

}  // namespace
}  // namespace expertoire
