// Log probabilities and sliding windows against plain loops in double.
#include "engine/score.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "support/errors.h"
#include "support/miniature.h"
#include "support/naive_model.h"

namespace expertoire::test {
namespace {

std::vector<int32_t> random_ids(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<int32_t> ids(count);
  for (int32_t& id : ids) id = static_cast<int32_t>(random() % 97);
  return ids;
}

// log p of the tokens from `first` on, one window, in double.
std::vector<double> naive_scores(const NaiveModel& model, const std::vector<int32_t>& ids,
                                 size_t first) {
  const NaiveModel::Pass pass = model.run(ids);
  std::vector<double> scores;
  for (size_t i = first; i < ids.size(); ++i) {
    const Row probs = NaiveModel::softmax(pass.logits[i - 1]);
    scores.push_back(std::log(probs[static_cast<size_t>(ids[i])]));
  }
  return scores;
}

void expect_near(const std::vector<double>& got, const std::vector<double>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-4) << i;
}

class ScoreTest : public testing::Test {
 protected:
  const Miniature miniature_ = Miniature::random("qwen2_moe");
  const NaiveModel naive_{miniature_};
  Session session_{miniature_.load(), {2}};
};

TEST_F(ScoreTest, EveryTokenFromTheFirstThatIsAskedFor) {
  const std::vector<int32_t> ids = random_ids(40, 1);
  for (size_t first : {1U, 7U, 39U, 40U}) {
    expect_near(token_log_probs(session_, ids, first), naive_scores(naive_, ids, first));
  }
}

// More rows than are scored at a time.
TEST_F(ScoreTest, LongTextsAreScoredInParts) {
  const std::vector<int32_t> ids = random_ids(300, 2);
  expect_near(token_log_probs(session_, ids, 1), naive_scores(naive_, ids, 1));
}

// Together they have more rows than are scored at a time.
TEST_F(ScoreTest, TextsOfABatchHaveTheBitsThatTheyHaveAlone) {
  const std::vector<std::vector<int32_t>> texts = {random_ids(150, 3), random_ids(1, 4),
                                                   random_ids(2, 5), random_ids(160, 6)};
  const std::vector<std::span<const int32_t>> batch(texts.begin(), texts.end());
  const auto scores = batch_log_probs(session_, batch);
  ASSERT_EQ(scores.size(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(scores[i], token_log_probs(session_, texts[i], 1)) << i;
  }
}

// The loop of transformers' guide to perplexity: windows begin at 0, stride, 2 stride …, and each
// scores what those before it have not.
TEST_F(ScoreTest, SlidingWindowsScoreEveryTokenOnceInItsWindow) {
  for (size_t length : {2U, 15U, 16U, 17U, 61U}) {
    const std::vector<int32_t> ids = random_ids(length, 3);
    for (const auto& [context, stride] : {std::pair<size_t, size_t>{16, 5}, {16, 15}, {12, 1}}) {
      std::vector<double> expected;
      for (size_t begin = 0, scored = 1; scored < length; begin += stride) {
        const size_t end = std::min(begin + context, length);
        const std::vector<int32_t> window(ids.begin() + static_cast<std::ptrdiff_t>(begin),
                                          ids.begin() + static_cast<std::ptrdiff_t>(end));
        const auto part = naive_scores(naive_, window, scored - begin);
        expected.insert(expected.end(), part.begin(), part.end());
        scored = end;
      }
      const WindowPlan plan{static_cast<int64_t>(context), static_cast<int64_t>(stride)};
      const auto got = sliding_log_probs(session_, ids, plan.context, plan.stride);
      expect_near(got, expected);
      // From the end of any window on, the bits are the same.
      score_windows(session_, ids, plan, 1, [&](std::span<const double>, int64_t next) {
        std::vector<double> rest;
        score_windows(session_, ids, plan, next, [&](std::span<const double> part, int64_t) {
          rest.insert(rest.end(), part.begin(), part.end());
        });
        EXPECT_EQ(rest, std::vector<double>(got.begin() + next - 1, got.end())) << next;
      });
    }
  }
}

TEST_F(ScoreTest, TextsWithNothingToScore) {
  EXPECT_TRUE(sliding_log_probs(session_, {}, 8, 4).empty());
  EXPECT_TRUE(sliding_log_probs(session_, random_ids(1, 1), 8, 4).empty());
}

TEST_F(ScoreTest, BeginsOnlyWhereAWindowEnds) {
  const std::vector<int32_t> ids = random_ids(20, 4);
  const auto sink = [](std::span<const double>, int64_t) {};
  for (const int64_t from : {1, 8, 12, 16, 20}) {
    EXPECT_FALSE(error_of([&] { score_windows(session_, ids, {8, 4}, from, sink); })) << from;
  }
  for (const int64_t from : {-4, 0, 4, 9, 21, 24}) {
    EXPECT_TRUE(error_of([&] { score_windows(session_, ids, {8, 4}, from, sink); })) << from;
  }
}

TEST_F(ScoreTest, WindowsMustMoveAndFitTheModel) {
  const std::vector<int32_t> ids = random_ids(9, 4);
  for (const auto& [context, stride] :
       {std::pair<int64_t, int64_t>{8, 0}, {8, 8}, {8, -1}, {513, 4}, {0, 1}}) {
    const auto error = error_of([&, context = context, stride = stride] {
      sliding_log_probs(session_, ids, context, stride);
    });
    ASSERT_TRUE(error) << context << " " << stride;
    EXPECT_EQ(error->code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error->what()).find("512"), std::string::npos) << error->what();
  }
  EXPECT_EQ(sliding_log_probs(session_, ids, 512, 511).size(), 8U);
}

}  // namespace
}  // namespace expertoire::test
