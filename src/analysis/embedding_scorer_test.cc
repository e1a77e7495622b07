#include "analysis/embedding_scorer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"

namespace expertoire {
namespace {

using testing::ElementsAre;

// How often "x" stands in a text, and its length.
class EmbeddingScorerTest : public testing::Test {
 protected:
  std::shared_ptr<KnownVectors> vectors() {
    return std::make_shared<KnownVectors>([this](const std::vector<std::string>& texts) {
      std::vector<std::vector<float>> all;
      for (const std::string& text : texts) {
        asked_.push_back(text);
        all.push_back(
            {static_cast<float>(std::ranges::count(text, 'x')), static_cast<float>(text.size())});
      }
      return all;
    });
  }

  std::vector<std::string> asked_;
  BinaryTexts data_ = {{"xxx", "abc", "xxa", "ab", "xxxx", "a"}, {1, 0, 1, 0, 1, 0}};
};

// LogisticRegression(tol=1e-8) of scikit-learn 1.9.1 on those vectors; ours stops at 1e-4.
TEST_F(EmbeddingScorerTest, EqualsScikitLearn) {
  const TextScorer score = embedding_scorer(data_, vectors());
  const std::vector<double> scores = score({"xxxxx", "abcde", ""});
  EXPECT_NEAR(scores[0], 0.99281062, 1e-3);
  EXPECT_NEAR(scores[1], 0.35848948, 1e-3);
  EXPECT_NEAR(scores[2], 0.07378488, 1e-3);
  const auto learn = [&](const BinaryTexts& seen) { return embedding_scorer(seen, vectors()); };
  EXPECT_EQ(cross_validated_auc(data_, 3, 42, learn), 1);
}

TEST_F(EmbeddingScorerTest, EachTextIsEmbeddedOnce) {
  const TextScorer score = embedding_scorer(data_, vectors());
  asked_.clear();
  score({"xxx", "new", "new", ""});
  score({"new"});
  EXPECT_THAT(asked_, ElementsAre("new"));
}

TEST_F(EmbeddingScorerTest, OneClassAloneIsRefused) {
  data_.classes.assign(6, 1);
  EXPECT_EQ(test::error_of([&] { embedding_scorer(data_, vectors()); })->code(),
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace expertoire
