#include "eval/pair_order.h"

#include <gtest/gtest.h>

#include <cmath>

#include "eval/tfidf.h"
#include "support/errors.h"

namespace expertoire {
namespace {

TEST(Auc, CountsPairsAndHalvesTies) {
  EXPECT_DOUBLE_EQ(auc({3, 4}, {1, 2}), 1.0);
  EXPECT_DOUBLE_EQ(auc({1, 2}, {3, 4}), 0.0);
  EXPECT_DOUBLE_EQ(auc({2}, {1, 2, 3}), 0.5);
  EXPECT_DOUBLE_EQ(auc({1, 3}, {1, 2}), (0.5 + 0 + 1 + 1) / 4);
}

const std::vector<TextOrigin> kTexts = {{"physics", "heat"},
                                        {"physics", "heat"},
                                        {"physics", "light"},
                                        {"law", "heat"},
                                        {"law", "tax"}};

TEST(PairOrder, PerfectSimilarityScoresOne) {
  const auto known = [](size_t i, size_t j) {
    if (kTexts[i].subject != kTexts[j].subject) return 0.0;
    return kTexts[i].module == kTexts[j].module ? 2.0 : 1.0;
  };
  const PairOrder order = pair_order(kTexts, known);
  EXPECT_DOUBLE_EQ(order.module_over_subject, 1.0);
  EXPECT_DOUBLE_EQ(order.subject_over_other, 1.0);
  EXPECT_DOUBLE_EQ(order.nearest_same_module, 2.0 / 5);  // only the first two have a fellow
  EXPECT_DOUBLE_EQ(order.nearest_same_subject, 1.0);
}

TEST(PairOrder, ConstantSimilarityIsChance) {
  const PairOrder order = pair_order(kTexts, [](size_t, size_t) { return 1.0; });
  EXPECT_DOUBLE_EQ(order.module_over_subject, 0.5);
  EXPECT_DOUBLE_EQ(order.subject_over_other, 0.5);
}

TEST(PairOrder, RefusesTextsWithoutAllClasses) {
  EXPECT_THROW(pair_order({{"a", "x"}, {"a", "x"}}, [](size_t, size_t) { return 1.0; }), Error);
}

TEST(TfIdf, WeighsAsScikitLearn) {
  // sklearn.feature_extraction.text.TfidfVectorizer() on these texts.
  const auto vectors = tfidf({"The cat sat.", "the dog sat", "A bird!"});
  EXPECT_NEAR(sparse_dot(vectors[0], vectors[0]), 1.0, 1e-12);
  const double rare = std::log(4.0 / 2.0) + 1, common = std::log(4.0 / 3.0) + 1;
  const double norm = rare * rare + 2 * common * common;
  EXPECT_NEAR(sparse_dot(vectors[0], vectors[1]), 2 * common * common / norm, 1e-12);
  EXPECT_DOUBLE_EQ(sparse_dot(vectors[0], vectors[2]), 0.0);
  EXPECT_EQ(vectors[2].size(), 1U);  // words of one letter do not count
}

// TfidfVectorizer(max_features=2) keeps "sat" and "the".
TEST(TfIdf, KeepsTheMostFrequentWords) {
  const TextVectors rows = tfidf_rows({"The cat sat.", "the dog sat sat", "A bird!"}, 2);
  EXPECT_EQ(rows.dim, 2);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_FLOAT_EQ(rows.row(0)[0], std::sqrt(0.5F));
  EXPECT_FLOAT_EQ(rows.row(1)[0], std::sqrt(0.8F));
  EXPECT_FLOAT_EQ(rows.row(1)[1], std::sqrt(0.2F));
  EXPECT_EQ(rows.row(2)[0] + rows.row(2)[1], 0.0F);
}

}  // namespace
}  // namespace expertoire
