// The numbers of the paper's studies, on lists that are worked out by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "eval/complementarity.h"
#include "eval/correlation.h"
#include "eval/error_analysis.h"
#include "eval/pictures.h"

namespace expertoire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ComplementarityTest, MeansAreOverPairsOfDifferentLists) {
  // ranks: a = b = reversed c; d = b with two neighbours turned (ρ = 0.8 of four)
  const std::vector<SimilarityList> lists = {{"a", false, {1, 2, 3, 4}},
                                             {"b", false, {2, 4, 6, 9}},
                                             {"c", true, {4, 3, 2, 1}},
                                             {"d", true, {1, 3, 2, 4}}};
  const auto matrix = rank_correlations(lists);
  EXPECT_DOUBLE_EQ(matrix[0][0], 1);
  EXPECT_DOUBLE_EQ(matrix[0][2], -1);
  EXPECT_NEAR(matrix[3][1], 0.8, 1e-12);
  const auto means = mean_correlations(lists, {.resamples = 0});
  EXPECT_NEAR(means.at("hidden_hidden").value, 1, 1e-12);
  EXPECT_NEAR(means.at("routing_routing").value, -0.8, 1e-12);
  EXPECT_NEAR(means.at("hidden_routing").value, (-1 - 1 + 0.8 + 0.8) / 4, 1e-12);
  EXPECT_FALSE(means.at("hidden_routing").interval);
  EXPECT_TRUE(std::isnan(mean_correlations({lists[0]}, {}).at("routing_routing").value));
}

TEST(ComplementarityTest, IntervalsOfCorrelationsAreThoseOfThePlainBootstrap) {
  const std::vector<double> a = {1, 2, 3, 4, 5, 6, 7, 7}, b = {2, 1, 4, 4, 3, 6, 8, 7};
  const auto fast = mean_correlations({{"a", false, a}, {"b", true, b}}, {.resamples = 40});
  const Interval plain = bootstrap(
      a.size(), [&](std::span<const uint32_t> items) { return PairedValues(a, b).spearman(items); },
      {.resamples = 40});
  EXPECT_NEAR(fast.at("hidden_routing").value, plain.value, 1e-12);
  EXPECT_NEAR(fast.at("hidden_routing").interval->first, plain.low, 1e-12);
  EXPECT_NEAR(fast.at("hidden_routing").interval->second, plain.high, 1e-12);
}

TEST(ComplementarityTest, ClusteringsOfTheSameVectorsOverlapWholly) {
  TextVectors vectors(1);
  std::vector<size_t> rows;
  for (size_t i = 0; i < 60; ++i) {
    rows.push_back(i);
    vectors.append(std::vector<float>{static_cast<float>(i % 3) * 10});
  }
  const auto overlap = [&](const TextVectors& a, const TextVectors& b) {
    return cluster_overlap({cluster_both(a, b, rows, 3, 42)}, {.resamples = 100});
  };
  const auto same = overlap(vectors, vectors);
  EXPECT_NEAR(same.at("ami").value, 1, 1e-9);
  EXPECT_NEAR(same.at("ami").interval->first, 1, 1e-9);
  EXPECT_NEAR(same.at("jaccard").value, 1, 1e-9);
  TextVectors other(1);
  for (size_t i = 0; i < 60; ++i) other.append(std::vector<float>{static_cast<float>(i / 20)});
  const EvalScore ami = overlap(vectors, other).at("ami");
  EXPECT_LT(ami.value, 0.05);
  EXPECT_LT(ami.interval->first, ami.value);
  EXPECT_GT(ami.interval->second, ami.value);
}

TEST(ErrorAnalysisTest, PlacesAreComparedWithTiesShared) {
  // places of the scores 0, ½, ½, 1
  EXPECT_THAT(rank_errors({1, 2, 2, 5}, {9, 0, 1, 2}),
              ElementsAre(1, -0.5, 1.0 / 3 - 0.5, 2.0 / 3 - 1));
}

TEST(ErrorAnalysisTest, SharesSumToAll) {
  const std::vector<double> gold = {1, 2, 3, 4, 5};
  // hidden: places 0 and 4 exchanged; routing: 0 and 1; sum: as people
  const PartSimilarities parts = {{5, 2, 3, 4, 1}, {2, 1, 3, 4, 5}, gold};
  const EvalResult result =
      error_shares(gold, parts, {3, 1, 1, 1, 3}, {.tolerance = 0.2, .bootstrap = {.resamples = 0}});
  const auto share = [&](const char* name) { return result.scores.at(name).value; };
  EXPECT_DOUBLE_EQ(share("both_right"), 0.4);
  EXPECT_DOUBLE_EQ(share("only_hidden"), 0.2);   // the second
  EXPECT_DOUBLE_EQ(share("only_routing"), 0.2);  // the last
  EXPECT_DOUBLE_EQ(share("neither"), 0.2);       // the first
  EXPECT_DOUBLE_EQ(share("one_right"), 0.4);
  EXPECT_DOUBLE_EQ(share("sum_right"), 1);
  EXPECT_NEAR(result.details["length_and_hidden_error"].get<double>(), 1, 1e-12);
}

TEST(PicturesTest, RowsStandOnAnAxis) {
  const std::vector<PictureRow> rows = {{"a < b", {0.5}, std::pair(0.4, 0.6), 0},
                                        {"c", {-0.1}, std::nullopt, 7}};
  const std::string svg = svg_file(dot_picture(rows, "spearman"));
  for (const char* part : {"xmlns=", "a &lt; b", ">spearman<", "class=\"c7\"", "<style>"}) {
    EXPECT_THAT(svg, HasSubstr(part));
  }
  EXPECT_THAT(svg_part(dot_picture(rows, "spearman")), Not(HasSubstr("http")));
  // The same value twice is a box of no width, not a division by zero.
  EXPECT_THAT(box_picture({{"flat", {0.3, 0.3}}}, "x").body, Not(HasSubstr("nan")));
  const Picture heat = heat_picture({"p", "q"}, {{1, -0.25}, {-0.25, 1}});
  EXPECT_THAT(heat.body, HasSubstr("-0.25"));
  const Picture both = stacked({{"one", heat}, {"two", heat}});
  EXPECT_GT(both.height, 2 * heat.height);
}

TEST(PicturesTest, ScoresThatAreNoNumbersGiveNone) {
  EvalResult result{.task = "sts", .dataset = "d", .main = "spearman"};
  result.scores = {{"spearman", {NAN}}};
  EXPECT_FALSE(score_picture({&result}));
}

}  // namespace
}  // namespace expertoire
