#include "eval/choice_scores.h"

#include <gtest/gtest.h>

#include "eval/choice_prompts.h"
#include "eval/compare.h"
#include "support/errors.h"
#include "support/shared.h"

namespace expertoire {
namespace {

ChoiceItem item_of(std::vector<int64_t> lengths, int answer, std::string category = "") {
  ChoiceItem item;
  item.lengths = std::move(lengths);
  item.answer = answer;
  item.category = std::move(category);
  return item;
}

TEST(ChoiceScores, LargestSumAndLargestSumPerCharacter) {
  const ChoiceItem item = item_of({2, 10}, 1);
  const ChoiceOutcome outcome{{-3, -5}};
  EXPECT_FALSE(is_right(item, outcome, false));
  EXPECT_TRUE(is_right(item, outcome, true));  // −1.5 against −0.5
}

TEST(ChoiceScores, TheFirstOfEqualsCounts) {
  EXPECT_TRUE(is_right(item_of({1, 1}, 0), {{-2, -2}}, false));
  EXPECT_FALSE(is_right(item_of({1, 1}, 1), {{-2, -2}}, false));
}

class ChoiceResultTest : public testing::Test {
 protected:
  const ChoiceTask& task_ = choice_task("mmlu");
  const ChoiceSet set_{
      "a/b.jsonl",
      {item_of({1, 1}, 0, "x"), item_of({1, 1, 1, 1}, 2, "y"), item_of({1, 1}, 1, "x")},
      {}};
};

TEST_F(ChoiceResultTest, HasChanceCountsAndCategories) {
  const std::vector<ChoiceOutcome> outcomes = {
      {{-1, -2}, 3}, {{-1, -2, -3, -4}, 1, true}, {{-2, -1}, 3}};
  const EvalResult result = choice_result(task_, set_, outcomes, 3, {.resamples = 50});
  EXPECT_DOUBLE_EQ(result.scores.at("acc").value, 2.0 / 3);
  EXPECT_DOUBLE_EQ(result.scores.at("chance").value, (0.5 + 0.25 + 0.5) / 3);
  EXPECT_FALSE(result.scores.contains("acc_norm"));
  EXPECT_EQ(result.details["dropped_shots"], 2);
  EXPECT_EQ(result.details["items_with_fewer_shots"], 1);
  EXPECT_EQ(result.details["items_cut"], 1);
  ASSERT_EQ(result.details["categories"].size(), 2U);
  EXPECT_EQ(result.details["categories"][0]["category"], "x");
  EXPECT_EQ(result.details["categories"][0]["acc"], 1.0);
  EXPECT_EQ(result.details["categories"][1]["n"], 1);
}

TEST_F(ChoiceResultTest, DifferencesArePaired) {
  const std::vector<ChoiceOutcome> right = {{{-1, -2}}, {{-4, -3, -2, -4}}, {{-2, -1}}};
  const std::vector<ChoiceOutcome> wrong = {{{-2, -1}}, {{-1, -3, -2, -4}}, {{-1, -2}}};
  const EvalResult before = choice_result(task_, set_, wrong, 0, {.resamples = 50});
  const EvalResult after = choice_result(task_, set_, right, 0, {.resamples = 50});
  const EvalResult difference = paired_result(before, after, {.resamples = 50});
  EXPECT_DOUBLE_EQ(difference.scores.at("acc").value, 1);
  EXPECT_DOUBLE_EQ(difference.scores.at("acc").interval->first, 1);
  EXPECT_DOUBLE_EQ(difference.scores.at("chance").value, 0);
  EvalResult shorter = before;
  shorter.items["acc"] = {1.0};
  EXPECT_TRUE(test::error_of([&] { paired_result(shorter, after, {}); }));
}

TEST(EncodePair, SpacesAtTheEndOfTheContextGoToTheContinuation) {
  const Tokenizer tokenizer =
      Tokenizer::load(std::string(EXPERTOIRE_SOURCE_DIR) + "/models/olmoe-small");
  const PairOptions options{.bos = false, .max_length = 100};
  const EncodedPair moved = encode_pair(tokenizer, "The sun is ", "red", options);
  const EncodedPair plain = encode_pair(tokenizer, "The sun is", " red", options);
  EXPECT_EQ(moved.request.ids, plain.request.ids);
  EXPECT_EQ(moved.request.first, plain.request.first);
  EXPECT_EQ(tokenizer.decode(std::span(plain.request.ids).subspan(plain.request.first)), " red");
}

TEST(EncodePair, RemembersTheContextButNotTheWrongOne) {
  const Tokenizer tokenizer =
      Tokenizer::load(std::string(EXPERTOIRE_SOURCE_DIR) + "/models/olmoe-small");
  const PairOptions options{.bos = false, .max_length = 100};
  PairEncoder encoder(tokenizer, options);
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {"The sun is", " red"}, {"The sun is", " blue"}, {"The moon is", " red"}, {"", "red"},
      {"The sun is ", "red"}, {"The moon", " is"},     {"The sun is", "let"}};
  for (const auto& [context, continuation] : pairs) {
    const EncodedPair got = encoder.encode(context, continuation);
    const EncodedPair want = encode_pair(tokenizer, context, continuation, options);
    EXPECT_EQ(got.request.ids, want.request.ids) << context << continuation;
    EXPECT_EQ(got.request.first, want.request.first) << context << continuation;
  }
}

TEST(EncodePair, EmptyContextsAreEosAndLongOnesLoseTheirFront) {
  const Tokenizer tokenizer =
      Tokenizer::load(std::string(EXPERTOIRE_SOURCE_DIR) + "/models/olmoe-small");
  const EncodedPair empty = encode_pair(tokenizer, "", "red", {false, 100});
  EXPECT_EQ(empty.request.first, 1U);
  ASSERT_TRUE(tokenizer.eos_id() && !tokenizer.bos_id());
  EXPECT_EQ(empty.request.ids[0], *tokenizer.eos_id());
  const EncodedPair whole = encode_pair(tokenizer, "one two three four five", " six", {false, 100});
  const EncodedPair cut = encode_pair(tokenizer, "one two three four five", " six", {false, 2});
  EXPECT_EQ(cut.request.ids.size(), 3U);  // the last is scored, not fed
  EXPECT_EQ(cut.cut, static_cast<int64_t>(whole.request.ids.size()) - 3);
  const auto error = test::error_of([&] {
    encode_pair(tokenizer, "a", " one two three four", {false, 2});
  });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kTooLong);
}

}  // namespace
}  // namespace expertoire
