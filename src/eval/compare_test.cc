#include "eval/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "eval/pair_scores.h"
#include "eval/perplexity.h"
#include "eval/report.h"
#include "eval/row_statistic.h"
#include "support/errors.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

// A rerank result of `rows` values, all `value` but every third one.
EvalResult result_of(double value, size_t rows = 60) {
  std::vector<double> values(rows, value);
  for (size_t i = 0; i < rows; i += 3) values[i] = 0.2;
  EvalResult result{.task = "rerank", .dataset = "wiki", .main = "map"};
  result.n = static_cast<int64_t>(rows);
  result.scores = {{"map", EvalScore::mean_of(values, {})}, {"other", {0.5}}};
  result.details = {{"kind", "sum"}, {"alpha", 0.5}, {"bad_rows", 0}};
  result.items = {{"map", values}};
  result.provenance = {{"data", {{{"file", "a.jsonl"}, {"hash", "12"}}}}, {"model", "m"}};
  return result;
}

TEST(EvalResultTest, ComesBackFromJson) {
  const EvalResult result = result_of(0.5);
  const EvalResult back = EvalResult::from_json(result.to_json(), "x");
  EXPECT_EQ(back.to_json(), result.to_json());
  EXPECT_EQ(back.details, result.details);
  EXPECT_EQ(back.scores.at("map").interval, result.scores.at("map").interval);
  EXPECT_FALSE(back.scores.at("other").interval);
  EXPECT_EQ(system_label(back), "model sum 0.5");
  EXPECT_EQ(dataset_name("a/b/STS12.jsonl.gz"), "STS12");
}

TEST(EvalResultTest, RefusesOtherJson) {
  const test::TempDir folder;
  for (const char* content : {"[]", "{}", "3", R"({"task": 3})", "{", "\n",
                              R"({"task": "a", "dataset": "b", "system": "c", "main": "m", "n": 1,
                               "provenance": {}, "scores": ["x"], "x": "high"})"}) {
    std::string line(content);
    std::replace(line.begin(), line.end(), '\n', ' ');
    const auto error = test::error_of([&] { read_results(folder.write("a.jsonl", line + "\n")); });
    ASSERT_TRUE(error) << content;
    EXPECT_EQ(error->code(), ErrorCode::kBadFile) << content;
  }
}

Comparison compared(const EvalResult& a, const EvalResult& b) {
  return compare_results({a}, {b}, {.resamples = 500}).front();
}

TEST(CompareTest, SaysHigherOrLowerOnlyWhereTheIntervalExcludesZero) {
  const Comparison higher = compared(result_of(0.5), result_of(0.6));
  EXPECT_EQ(higher.verdict(), "higher");
  EXPECT_NEAR(higher.difference->value, 0.1 * 2 / 3, 1e-9);
  EXPECT_EQ(compared(result_of(0.6), result_of(0.5)).verdict(), "lower");
  EXPECT_EQ(compared(result_of(0.6), result_of(0.6)).verdict(), std::nullopt);
  EvalResult noisy = result_of(0.5);
  for (size_t i = 0; i < 60; ++i) {
    noisy.items["map"][i] = noisy.items["map"][i].get<double>() + (i % 2 == 0 ? 0.1 : -0.09);
  }
  const Comparison unclear = compared(result_of(0.5), noisy);
  EXPECT_EQ(unclear.verdict(), std::nullopt);
  EXPECT_LT(unclear.difference->low, 0);
  EXPECT_TRUE(unclear.to_json()["verdict"].is_null());
}

TEST(CompareTest, ScoresWithoutValuesOfRowsGetNoVerdict) {
  const auto all = compare_results({result_of(0.5)}, {result_of(0.6)}, {.resamples = 50});
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[1].score, "other");
  EXPECT_FALSE(all[1].difference);
  EXPECT_FALSE(all[1].to_json().contains("interval"));
}

TEST(CompareTest, OverlappingSamplesGetNoVerdict) {
  EvalResult a = result_of(0.5), b = result_of(0.6);
  a.details["sampled"] = b.details["sampled"] = true;
  EXPECT_FALSE(compared(a, b).difference);
}

TEST(CompareTest, CorrelationsArePairedByRow) {
  EvalResult a{.task = "sts", .dataset = "s", .main = "spearman"};
  a.scores = {{"spearman", {1}}};
  std::vector<double> gold, good, bad;
  for (int i = 0; i < 50; ++i) {
    gold.push_back(i);
    good.push_back(i);
    bad.push_back((i * 7) % 50);
  }
  a.items = {{"gold", gold}, {"similarity", good}};
  EvalResult b = a;
  b.items["similarity"] = bad;
  const Comparison one = compared(a, b);
  EXPECT_EQ(one.verdict(), "lower");
  EXPECT_LT(one.difference->high, -0.5);
}

// 40 rows of two classes; the first `right` rows of each are predicted right by both experiments.
EvalResult classified(size_t right) {
  EvalResult result{.task = "classification", .dataset = "c", .main = "f1"};
  result.scores = {{"f1", {0.5}}};
  for (size_t row = 0; row < 40; ++row) {
    const size_t truth = row % 2, predicted = row / 2 < right ? truth : 1 - truth;
    result.items["class"].push_back(truth);
    result.items["predicted"].push_back({predicted, predicted});
  }
  return result;
}

TEST(CompareTest, F1IsPairedByRow) {
  const Comparison higher = compared(classified(5), classified(15));
  EXPECT_EQ(higher.verdict(), "higher");
  EXPECT_NEAR(higher.difference->value, 0.5, 1e-9);  // F1 of both classes: 0.25 and 0.75
  EXPECT_EQ(compared(classified(5), classified(5)).difference->low, 0);
}

// 30 pairs, every third positive, which the first measure ranks by chance and the second first.
EvalResult ranked(bool second_is_right) {
  EvalResult result{.task = "pairs", .dataset = "p", .main = "ap"};
  result.scores = {{"ap", {0.5}}, {"accuracy", {0.5}}};
  for (int i = 0; i < 30; ++i) {
    result.items["positive"].push_back(i % 3 == 0 ? 1 : 0);
    result.items["cosine"].push_back((i * 7) % 30);
    result.items["dot"].push_back(second_is_right && i % 3 == 0 ? 100 + i : (i * 7) % 30);
  }
  return result;
}

TEST(CompareTest, ScoresOfPairsAreTheLargestOverTheMeasures) {
  const auto all = compare_results({ranked(false)}, {ranked(true)}, {.resamples = 300});
  ASSERT_EQ(all.size(), 2U);
  for (const Comparison& one : all) EXPECT_EQ(one.verdict(), "higher") << one.score;
  const auto likeness = ranked(false).items["cosine"].get<std::vector<double>>();
  const auto positive = ranked(false).items["positive"].get<std::vector<uint8_t>>();
  const double before = average_precision(likeness, positive);
  EXPECT_EQ(all[1].score, "ap");
  EXPECT_NEAR(all[1].difference->value, 1 - before, 1e-9);
}

TEST(CompareTest, PerplexityOfTargetsIsPairedByItem) {
  EvalResult a{.task = "lambada", .dataset = "l", .main = "acc"};
  a.scores = {{"perplexity", {1}}};
  EvalResult b = a;
  for (int i = 0; i < 40; ++i) {
    a.items["log_prob"].push_back(-1 - i % 5);
    b.items["log_prob"].push_back(-1 - i % 5 - std::log(2.0));
  }
  const Comparison one = compared(a, b);  // twice as perplexed by every word
  EXPECT_EQ(one.verdict(), "higher");
  EXPECT_NEAR(one.difference->value, std::exp(3), 1e-9);
  const EvalResult paired = paired_result(a, b, {.resamples = 500});
  EXPECT_EQ(paired.scores.at("perplexity").interval,
            std::pair(one.difference->low, one.difference->high));
}

TEST(CompareTest, ScoresOfDocumentsAreRatiosOfSums) {
  EvalResult a{.task = "perplexity", .dataset = "d", .main = "bits_per_byte"};
  a.scores = {{"bits_per_byte", {1}}, {"nll_mean", {1}}, {"perplexity", {1}}};
  a.items = {{"nats", {30, 10, 5}}, {"scored_tokens", {10, 4, 1}}, {"scored_bytes", {40, 20, 3}}};
  EvalResult b = a;
  b.items["nats"] = {36, 12, 6};  // a fifth more everywhere: the same sign in every draw
  const auto all = compare_results({a}, {b}, {.resamples = 200});
  const double means[] = {45.0 / 63 / std::log(2.0), 45.0 / 15, std::exp(45.0 / 15)};
  const double others[] = {54.0 / 63 / std::log(2.0), 54.0 / 15, std::exp(54.0 / 15)};
  ASSERT_EQ(all.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(all[i].verdict(), "higher") << all[i].score;
    EXPECT_NEAR(all[i].difference->value, others[i] - means[i], 1e-9) << all[i].score;
  }
  b.items["scored_bytes"] = {40};
  const auto refusal = [&] {
    const auto error = test::error_of([&] { compare_results({a}, {b}, {.resamples = 5}); });
    return std::string(error ? error->what() : "was compared");
  };
  EXPECT_THAT(refusal(), HasSubstr("not one for each row: scored_bytes"));
  for (const json& count : {json(-1), json(1e300), json(uint64_t{1} << 63)}) {
    b.items["scored_bytes"] = {40, 20, count};
    EXPECT_THAT(refusal(), HasSubstr("scored_bytes")) << count;
  }
}

// The formulas are one: an interval of a comparison belongs to the scores beside it.
TEST(CompareTest, AScoreOfDocumentsHasTheSameBitsFromItsItems) {
  std::vector<TextScore> documents(40);
  for (size_t i = 0; i < documents.size(); ++i) {
    documents[i].nats = 3.7 * static_cast<double>(i + 1) / 7;
    documents[i].scored = static_cast<int64_t>(1 + i * 5 % 11);
    documents[i].scored_bytes = static_cast<int64_t>(3 + i * 7 % 13);
  }
  for (size_t n = 2; n <= documents.size(); ++n) {
    const EvalResult result = perplexity_result(
        "d", {documents.begin(), documents.begin() + static_cast<ptrdiff_t>(n)}, {.resamples = 0});
    ASSERT_EQ(result.scores.size(), 3U);
    for (const auto& [name, score] : result.scores) {
      const auto statistic = row_statistic(result, name);
      ASSERT_TRUE(statistic) << name;
      EXPECT_EQ(statistic->of(each_item(n)), score.value) << name << " of " << n;
    }
  }
}

TEST(CompareTest, OneRowGetsNoVerdict) {
  EXPECT_FALSE(compared(result_of(0.5, 1), result_of(0.9, 1)).difference);
}

TEST(CompareTest, RefusesRunsThatCannotBePaired) {
  const auto refusal = [](const EvalResult& a, const std::vector<EvalResult>& b) {
    const auto error = test::error_of([&] { compare_results({a}, b, {.resamples = 5}); });
    return std::string(error ? error->what() : "was compared");
  };
  const EvalResult good = result_of(0.5);
  EXPECT_THAT(refusal(good, {result_of(0.5, 30)}), HasSubstr("60 and 30 rows"));
  EXPECT_THAT(refusal(good, {good, good}), HasSubstr("1 and 2 results"));
  EvalResult other = good;
  other.provenance["data"][0]["hash"] = "13";
  EXPECT_THAT(refusal(good, {other}), HasSubstr("files of other content"));
  other.dataset = "else";
  EXPECT_THAT(refusal(good, {other}), HasSubstr("no task and data set"));
  EvalResult relabelled = classified(5);
  relabelled.items["class"][0] = 1;
  EXPECT_THAT(refusal(classified(5), {relabelled}), HasSubstr("rows whose class differs"));
  relabelled.items["class"].push_back(0);
  EXPECT_THAT(refusal(relabelled, {relabelled}), HasSubstr("not one for each row"));
  other = good;
  other.items["map"] = "text";
  EXPECT_THAT(refusal(good, {other}), HasSubstr("not numbers"));
}

TEST(ReportTest, ShowsResultsAndHowTheyWereMade) {
  EvalResult control = result_of(0.3);
  control.system = "tfidf";
  control.dataset = "<b>&\"";
  const std::string page = report_page({result_of(0.5), control});
  for (const char* part : {"<h2>rerank</h2>", "<svg", "data-value=\"0.39", "model sum 0.5",
                           "a.jsonl", "hash 12", "&lt;b&gt;&amp;&quot;", "addEventListener"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
  EXPECT_THAT(page, Not(HasSubstr("<b>")));
  EXPECT_THAT(page, Not(HasSubstr("http"))) << "self-contained";
}

}  // namespace
}  // namespace expertoire
