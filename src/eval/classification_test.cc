#include "eval/classification.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "eval/class_scores.h"
#include "eval/logistic_regression.h"
#include "eval/random_state.h"
#include "support/errors.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

TextVectors columns_of(const std::vector<std::vector<float>>& rows) {
  TextVectors vectors(static_cast<int64_t>(rows.front().size()));
  for (const auto& row : rows) vectors.append(row);
  return vectors;
}

// numpy.random.RandomState(42).shuffle(list(range(20)))
TEST(RandomStateTest, ShufflesAsNumpy) {
  std::vector<int> values(20);
  std::iota(values.begin(), values.end(), 0);
  RandomState(42).shuffle(std::span(values));
  EXPECT_THAT(values,
              ElementsAre(0, 17, 15, 1, 8, 5, 11, 3, 18, 16, 13, 2, 9, 19, 4, 12, 7, 10, 14, 6));
  RandomState state(42);  // RandomState(42).random_sample(2)
  EXPECT_DOUBLE_EQ(state.uniform(), 0.3745401188473625);
  EXPECT_DOUBLE_EQ(state.uniform(), 0.9507143064099162);
}

// One feature, two classes: the optimum of w²/2 + Σ log(1 + exp(∓w)) at rows ±1 solves
// w = 2 / (1 + e^w); the intercept is 0 by symmetry.
TEST(LogisticRegressionTest, FindsTheOptimumOfTwoClasses) {
  const TextVectors vectors = columns_of({{1}, {-1}, {0.1F}, {-0.1F}});
  const std::vector<size_t> rows = {0, 1};
  const std::vector<uint32_t> classes = {1, 0};
  const LogisticRegression model(vectors, rows, classes, 2);
  EXPECT_EQ(model.predict(vectors.row(2)), 1U);
  EXPECT_EQ(model.predict(vectors.row(3)), 0U);
}

TEST(LogisticRegressionTest, TellsThreeClassesApart) {
  const TextVectors vectors = columns_of({{0, 1}, {1, 0}, {-1, -1}, {0.1F, 2}, {3, 0}, {-1, -3}});
  const std::vector<size_t> rows = {0, 1, 2};
  const std::vector<uint32_t> classes = {2, 0, 1};
  const LogisticRegression model(vectors, rows, classes, 3);
  EXPECT_EQ(model.predict(vectors.row(3)), 2U);
  EXPECT_EQ(model.predict(vectors.row(4)), 0U);
  EXPECT_EQ(model.predict(vectors.row(5)), 1U);
}

TEST(LogisticRegressionTest, RefusesWhatIsNotFinite) {
  const TextVectors vectors = columns_of({{1}, {std::nanf("")}});
  const std::vector<size_t> rows = {0, 1};
  const std::vector<uint32_t> classes = {1, 0};
  const auto error = test::error_of([&] { LogisticRegression(vectors, rows, classes, 2); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kNumeric);
}

TEST(ClassScoresTest, CountItemsAsOftenAsTheyStandThere) {
  const std::vector<uint32_t> truth = {0, 0, 1, 3}, predicted = {0, 1, 1, 0};
  const std::vector<uint32_t> items = {0, 1, 2, 3}, twice = {0, 1, 1, 2};
  EXPECT_DOUBLE_EQ(accuracy(truth, predicted, items), 0.5);
  EXPECT_DOUBLE_EQ(accuracy(truth, predicted, twice), 0.5);
  // class 0: tp 1, fp 1, fn 1; class 1: tp 1, fp 1; class 2 does not occur; class 3: fn 1
  EXPECT_DOUBLE_EQ(macro_f1(truth, predicted, items, 4), (0.5 + 2.0 / 3 + 0) / 3);
  EXPECT_DOUBLE_EQ(macro_f1(truth, predicted, twice, 4), (2.0 / 4 + 2.0 / 4) / 2);
}

TEST(ClassificationTest, DrawsSomeRowsOfEachLabelInTheOrderOfTheShuffle) {
  const std::vector<uint32_t> classes = {0, 1, 0, 1, 0, 0, 2};
  const auto experiments = undersample(classes, {.samples_per_label = 2, .experiments = 2});
  // order = list(range(7)); RandomState(42).shuffle(order) → [0, 1, 5, 2, 4, 3, 6]; again on that
  ASSERT_EQ(experiments.size(), 2U);
  EXPECT_THAT(experiments[0], ElementsAre(0, 1, 5, 3, 6));
  EXPECT_THAT(experiments[1], ElementsAre(0, 1, 3, 5, 6));
}

class ClassificationFilesTest : public testing::Test {
 protected:
  std::string refusal(const std::string& train, const std::string& test) {
    const std::string train_path = train.empty() ? "" : folder_.write("train.jsonl", train);
    const auto error = test::error_of([&] {
      TextTable texts;
      ClassificationSet::read(train_path, folder_.write("test.jsonl", test), {.label = "label"}, {},
                              texts);
    });
    return error ? error->what() : "was read";
  }

  static std::string row(const std::string& text, const std::string& label) {
    return R"({"text": ")" + text + R"(", "label": )" + label + "}\n";
  }

  test::TempDir folder_;
};

TEST_F(ClassificationFilesTest, NeedTwoLabelsThatBothFilesHave) {
  const std::string two = row("a", "1") + row("b", "2");
  EXPECT_THAT(refusal(row("a", "1") + row("b", "1"), two),
              AllOf(HasSubstr("train.jsonl: one label only"), HasSubstr("--label-field")));
  EXPECT_THAT(refusal("", row("a", "1") + row("b", "1")), HasSubstr("one label only"));
  EXPECT_THAT(refusal(two, row("c", "3")), HasSubstr("does not have"));
  EXPECT_EQ(refusal(two, row("c", "3") + row("d", "2")), "was read");
}

TEST_F(ClassificationFilesTest, OneFileIsHalved) {
  std::string all;
  for (int i = 0; i < 9; ++i) all += row("text " + std::to_string(i), std::to_string(i % 2));
  TextTable texts;
  const auto set = ClassificationSet::read("", folder_.write("a.jsonl", all), {},
                                           {.samples_per_label = 4, .experiments = 1}, texts);
  EXPECT_TRUE(set.halved);
  EXPECT_EQ(set.train_rows, 4U);
  ASSERT_EQ(set.experiments.size(), 1U);
  EXPECT_EQ(set.test.rows.size(), 5U);
  std::vector<size_t> seen = set.experiments[0].rows;
  seen.insert(seen.end(), set.test.rows.begin(), set.test.rows.end());
  EXPECT_THAT(seen, ::testing::UnorderedElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8));
}

TEST_F(ClassificationFilesTest, ProgressHearsOfEveryExperiment) {
  std::string all;
  for (int i = 0; i < 8; ++i) all += row("text " + std::to_string(i), std::to_string(i % 2));
  TextTable texts;
  const auto set = ClassificationSet::read("", folder_.write("a.jsonl", all), {},
                                           {.samples_per_label = 2, .experiments = 3}, texts);
  TextVectors vectors(1);
  for (const std::string& text : texts.texts()) {
    const float value = text.back() % 2 == 1 ? 1 : -1;
    vectors.append({&value, 1});
  }
  std::vector<std::pair<int64_t, int64_t>> heard;
  score_classification(set, vectors, {.resamples = 0},
                       [&](int64_t done, int64_t total) { heard.emplace_back(done, total); });
  EXPECT_THAT(heard, ElementsAre(Pair(1, 3), Pair(2, 3), Pair(3, 3)));
}

}  // namespace
}  // namespace expertoire
