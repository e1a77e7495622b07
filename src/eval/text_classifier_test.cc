#include "eval/text_classifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "support/errors.h"

namespace expertoire {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;

const BinaryTexts kTexts = {
    {"You utter idiot, you idiot", "what an utter idiot", "the weather is fine",
     "the weather: a fine day", "an utter fool", "the day is long"},
    {1, 1, 0, 0, 1, 0}};

// TfidfVectorizer(ngram_range=(1, 2), min_df=2) of scikit-learn 1.9.1 on the same texts: an, an
// utter, day, fine, idiot, is, the, the weather, utter, utter idiot, weather.
TEST(NgramTfidfTest, EqualsScikitLearn) {
  const NgramTfidf features(kTexts.texts);
  ASSERT_EQ(features.dim(), 11);
  const SparseRows rows = features.transform(kTexts.texts);
  ASSERT_EQ(rows.size(), 6U);
  const auto row = [&](size_t i) {
    std::vector<float> values(11);
    for (size_t at = rows.begin[i]; at < rows.begin[i + 1]; ++at) {
      values[rows.columns[at]] = rows.values[at];
    }
    return values;
  };
  const auto near = [](float value) { return FloatNear(value, 1e-6F); };
  EXPECT_THAT(row(0), ElementsAre(0, 0, 0, 0, near(0.83676957F), 0, 0, 0, near(0.35322918F),
                                  near(0.41838479F), 0));
  EXPECT_THAT(row(3), ElementsAre(0, 0, near(0.46063928F), near(0.46063928F), 0, 0,
                                  near(0.38890333F), near(0.46063928F), 0, 0, near(0.46063928F)));
}

// LogisticRegression(tol=1e-8) of scikit-learn 1.9.1 on those vectors; ours stops at 1e-4.
TEST(TextClassifierTest, EqualsScikitLearn) {
  const TextClassifier classifier(kTexts);
  const std::vector<double> scores =
      classifier.score(std::vector<std::string>{"you fool", "utter weather", "nothing known"});
  EXPECT_NEAR(scores[0], 0.5030621417492567, 5e-4);
  EXPECT_NEAR(scores[1], 0.513120879704409, 5e-4);
  EXPECT_EQ(scores[0], scores[2]);  // the intercept alone
}

BinaryTexts many(bool labels_mean_something) {
  BinaryTexts data;
  for (uint32_t i = 0; i < 200; ++i) {
    const uint32_t word = i % 2, label = labels_mean_something ? word : i / 2 % 2;
    data.texts.push_back(word == 1 ? "an utter fool" : "a fine day");
    data.classes.push_back(label);
  }
  return data;
}

TEST(TextClassifierTest, CrossValidationTellsSkillFromChance) {
  EXPECT_EQ(cross_validated_auc(many(true)), 1.0);
  EXPECT_NEAR(cross_validated_auc(many(false)), 0.5, 0.1);
}

TEST(TextClassifierTest, NeedsBothClasses) {
  BinaryTexts one = many(true);
  one.classes.assign(one.classes.size(), 1);
  const auto error = test::error_of([&] { TextClassifier classifier(one); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error->what(), HasSubstr("0 texts outside the class"));
  EXPECT_TRUE(test::error_of([&] { cross_validated_auc(one); }));
  EXPECT_TRUE(std::isnan(auc_of(std::vector{0.5}, std::vector{1U})));
}

}  // namespace
}  // namespace expertoire
