// What the paper's published code makes of MoEE(sum), on numbers that are worked out by hand.
#include "eval/paper_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "eval/classification.h"
#include "eval/clustering.h"
#include "eval/mini_batch_kmeans.h"
#include "eval/pairs.h"
#include "eval/rerank.h"
#include "eval/sts.h"
#include "eval/summarization.h"

namespace expertoire {
namespace {

using ::testing::ElementsAre;

constexpr BootstrapOptions kNoIntervals = {.resamples = 0};

TextVectors rows_of(const std::vector<std::vector<float>>& rows) {
  TextVectors vectors(static_cast<int64_t>(rows.front().size()));
  for (const auto& row : rows) vectors.append(row);
  return vectors;
}

// Unit vectors at these angles, in degrees, from the first axis.
TextVectors directions(const std::vector<double>& degrees) {
  TextVectors vectors(2);
  for (const double degree : degrees) {
    const double angle = degree * std::acos(-1) / 180;
    vectors.append(std::vector<float>{static_cast<float>(std::cos(angle)),
                                      static_cast<float>(std::sin(angle))});
  }
  return vectors;
}

TEST(PaperRulesTest, NumbersAreAveragedInOneOrderOfOperations) {
  const std::vector<int64_t> a = {0, 3, 2, -1}, b = {1, 0, 2, 0};
  EXPECT_THAT(averaged_numbers(a, b, 1), ElementsAre(0.5, 1.5, 2, -0.5));
  EXPECT_THAT(averaged_numbers(a, b, 0), ElementsAre(0, 3, 2, -1));
  // Python: (5 + 5 * 0.1) / 1.1 == 5.0, (3 + 3 * 0.1) / 1.1 == 2.9999999999999996
  EXPECT_THAT(averaged_numbers(std::vector<int64_t>{5, 3}, std::vector<int64_t>{5, 3}, 0.1),
              ElementsAre((5 + 5 * 0.1) / 1.1, (3 + 3 * 0.1) / 1.1));
}

// Three rows to learn from, one a label; each tested row lies on a learnt one, in hidden states and
// in routing another.
ClassificationSet three_classes(const std::vector<std::string>& labels) {
  ClassificationSet set;
  set.options = {.samples_per_label = 1, .experiments = 1};
  for (uint32_t i = 0; i < 3; ++i) set.labels[labels[i]] = i;
  set.experiments = {{{0, 1, 2}, {0, 1, 2}}};
  set.test = {{3, 4, 5}, {1, 2, 0}};
  return set;
}

SumParts crossed_parts() {
  const std::vector<float> a = {9, 0, 0}, b = {0, 9, 0}, c = {0, 0, 9};
  return {rows_of({a, b, c, a, c, b}), rows_of({a, b, c, c, c, a}), 1};
}

TEST(PaperRulesTest, ClassNumbersAreAveragedAndCut) {
  // hidden says 0, 2, 1; routing 2, 2, 0: averages 1, 2 and 0.5, which becomes 0
  const auto set = three_classes({"0", "1", "2"});
  const EvalResult result = score_classification(set, crossed_parts(), kNoIntervals);
  EXPECT_DOUBLE_EQ(result.scores.at("accuracy").value, 1);
  EXPECT_EQ(result.details["rules"], "paper");
  // 10, 2, 3 → 6.5 = 6 (no class), 3, 6 (no class): one in three right
  const EvalResult other =
      score_classification(three_classes({"10", "2", "3"}), crossed_parts(), kNoIntervals);
  EXPECT_DOUBLE_EQ(other.scores.at("accuracy").value, 1.0 / 3);
  EXPECT_DOUBLE_EQ(other.scores.at("f1").value, 1.0 / 4);  // of 2, 3, 10 and 6: one is found
  // Words count in sorted order: a = 0, b = 1, c = 2.
  const EvalResult words =
      score_classification(three_classes({"a", "b", "c"}), crossed_parts(), kNoIntervals);
  EXPECT_DOUBLE_EQ(words.scores.at("accuracy").value, 1);
}

TEST(PaperRulesTest, ClustersAreThoseOfAveragedNumbers) {
  // Two clouds each way, crossed: four groups of texts. The numbers 0 and 1 average to 0, ½ and 1.
  TextVectors hidden(1), routing(1);
  ClusterSplit split{.labels = 2, .seed = 42};
  for (uint32_t i = 0; i < 40; ++i) {
    hidden.append(std::vector<float>{static_cast<float>(i % 2) * 10});
    routing.append(std::vector<float>{static_cast<float>(i / 20) * 10});
    split.rows.push_back(i);
    split.classes.push_back(i % 2);
  }
  RandomState random(42);
  const KMeansOptions options = {.clusters = 2, .batch = 500};
  const auto by_hidden = mini_batch_kmeans(hidden, split.rows, options, random);
  const auto by_routing = mini_batch_kmeans(routing, split.rows, options, random);
  std::vector<uint32_t> sums;
  for (size_t i = 0; i < 40; ++i) sums.push_back(by_hidden[i] + by_routing[i]);
  ClusteringSet set;
  set.splits = {split};
  const EvalResult result = score_clustering(set, SumParts{hidden, routing, 1}, {.resamples = 0});
  EXPECT_DOUBLE_EQ(result.scores.at("v_measure").value, v_measure(split.classes, sums));
  // With another weight all four groups are apart: homogeneity 1, completeness 1/2.
  const EvalResult four = score_clustering(set, SumParts{hidden, routing, 0.5}, kNoIntervals);
  EXPECT_NEAR(four.scores.at("v_measure").value, 2.0 / 3, 1e-12);
}

TEST(PaperRulesTest, PairsAddSimilaritiesAndDistances) {
  LabelledPairs pairs;
  pairs.first = {0, 0};
  pairs.second = {1, 2};
  pairs.positive = {1, 0};
  const SumParts parts = {rows_of({{3, 0}, {0, 4}, {6, 0}}), rows_of({{1, 0}, {1, 0}, {0, 2}}), 2};
  const EvalResult result = score_pairs(pairs, parts, kNoIntervals);
  EXPECT_THAT(result.items["cosine"].get<std::vector<double>>(), ElementsAre(0 + 2 * 1, 1 + 0));
  EXPECT_THAT(result.items["manhattan"].get<std::vector<double>>(), ElementsAre(-7, -3 - 2 * 3));
  EXPECT_THAT(result.items["euclidean"].get<std::vector<double>>(),
              ElementsAre(-5, -3 - 2 * std::sqrt(5.0)));
  EXPECT_THAT(result.items["dot"].get<std::vector<double>>(), ElementsAre(0, 18)) << "hidden only";
}

TEST(PaperRulesTest, RerankingOrdersByTheSumButMrrByHiddenStates) {
  RerankSet set;
  set.queries = {{{0}, {1, 2}, {1, 0}}};
  // hidden: the negative is nearer (cos 60° = ½ against 0); routing: the positive, 1 against 0
  const SumParts parts = {directions({0, 90, 60}), directions({0, 0, 90}), 1};
  const EvalResult result = score_rerank(set, parts, kNoIntervals);
  EXPECT_DOUBLE_EQ(result.scores.at("map").value, 1);
  EXPECT_DOUBLE_EQ(result.scores.at("mrr").value, 0.5);
}

TEST(PaperRulesTest, SummariesAverageCorrelationsWithPValues) {
  SummarySet set;
  set.texts = {{{0}, {1, 2, 3}, {1, 3, 2}}};
  // cosines 0.5, 0.87, 1: ranks 1, 2, 3 against 1, 3, 2: ρ = 0.5, p = 2/3
  const TextVectors vectors = directions({0, 60, 30, 0});
  const auto score = [&](const auto& of, SummaryRules rules) {
    return score_summaries(set, of, rules, kNoIntervals).scores.at("spearman").value;
  };
  EXPECT_NEAR(score(vectors, SummaryRules::kMteb), 0.5, 1e-12);
  EXPECT_NEAR(score(vectors, SummaryRules::kPaper), (0.5 + 2.0 / 3) / 2, 1e-12);
  // Routing turns the order of the last two: ρ = 1, p = 0.
  const SumParts parts = {vectors, directions({0, 90, 0, 60}), 1};
  EXPECT_NEAR(score(parts, SummaryRules::kPaper), 0.5, 1e-7);
}

TEST(PaperRulesTest, StsOrdersPairsByTheSumOfCosines) {
  StsPairs pairs;
  pairs.first = {0, 0, 0};
  pairs.second = {1, 2, 3};
  pairs.gold = {1, 2, 3};
  const SumParts parts = {directions({0, 30, 60, 90}), directions({0, 90, 60, 0}), 3};
  const EvalResult result = score_sts({pairs}, parts, kNoIntervals).front();
  EXPECT_DOUBLE_EQ(result.scores.at("spearman").value, 1);  // 0.87 + 0, 0.5 + 1.5, 0 + 3
  EXPECT_EQ(result.scores.count("pearson"), 0U);
}

}  // namespace
}  // namespace expertoire
