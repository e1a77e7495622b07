// The shared way has the bits of each request alone, and runs fewer tokens.
#include "engine/prefix_scorer.h"

#include <gtest/gtest.h>

#include <random>

#include "engine/score.h"
#include "support/errors.h"
#include "support/miniature.h"

namespace expertoire::test {
namespace {

constexpr int32_t kVocab = 97;

std::vector<int32_t> random_ids(std::mt19937& random, size_t count) {
  std::vector<int32_t> ids(count);
  for (int32_t& id : ids) id = static_cast<int32_t>(random() % kVocab);
  return ids;
}

// Two blocks of shots, contexts that follow one of them, and continuations of 1 to 4 tokens.
std::vector<ScoreRequest> few_shot_requests() {
  std::mt19937 random(3);
  std::vector<ScoreRequest> requests;
  std::vector<int32_t> block = random_ids(random, 70);
  for (int item = 0; item < 12; ++item) {
    if (item == 6) std::copy_n(random_ids(random, 40).begin(), 40, block.begin() + 30);
    std::vector<int32_t> context = block;
    const std::vector<int32_t> own = random_ids(random, 1 + random() % 9);
    context.insert(context.end(), own.begin(), own.end());
    for (int choice = 0; choice < 3; ++choice) {
      ScoreRequest request{context, context.size()};
      const size_t length = item % 2 == 0 ? 1 : 1 + random() % 4;
      const std::vector<int32_t> more = random_ids(random, length);
      request.ids.insert(request.ids.end(), more.begin(), more.end());
      requests.push_back(std::move(request));
    }
  }
  return requests;
}

double alone(Session& session, const ScoreRequest& request) {
  double sum = 0;
  for (const double score : token_log_probs(session, request.ids, request.first)) sum += score;
  return sum;
}

void expect_bits_of_each_alone(const std::string& name, Compute compute) {
  const auto model = Miniature::random(name).load(compute);
  Session session(model, {1});
  const std::vector<ScoreRequest> requests = few_shot_requests();
  std::vector<double> expected;
  for (const ScoreRequest& request : requests) expected.push_back(alone(session, request));
  for (const bool share : {true, false}) {
    for (const int64_t budget : {1, 90, 300, 100000}) {
      PrefixScorer scorer(session, {budget, share});
      const std::vector<RequestScore> scores = scorer.score(requests);
      for (size_t i = 0; i < requests.size(); ++i) {
        EXPECT_EQ(scores[i].log_prob, expected[i])
            << name << " request " << i << ", budget " << budget << ", share " << share;
      }
    }
  }
}

TEST(PrefixScorer, HasTheBitsOfEachRequestAlone) {
  for (const char* name : {"qwen2_moe", "monet_hd"}) {
    expect_bits_of_each_alone(name, Compute::kF32);
    expect_bits_of_each_alone(name, Compute::kBF16);
  }
}

TEST(PrefixScorer, RunsWhatIsSharedOnce) {
  Session session(Miniature::random("qwen2_moe").load(), {1});
  const std::vector<ScoreRequest> requests = few_shot_requests();
  PrefixScorer plain(session, {300, false}), shared(session, {300, true});
  plain.score(requests);
  shared.score(requests);
  EXPECT_GT(plain.tokens_run(), 12 * 70);
  // Both blocks once, at most 9 tokens an item, and 3 continuations of at most 3 inputs.
  EXPECT_LE(shared.tokens_run(), 110 + 12 * 9 + 6 * 9);
}

TEST(PrefixScorer, GoesOnFromTheRequestBefore) {
  Session session(Miniature::random("qwen2_moe").load(), {1});
  const std::vector<ScoreRequest> requests = few_shot_requests();
  PrefixScorer scorer(session);
  std::vector<double> expected;
  for (const RequestScore& score : scorer.score(requests)) expected.push_back(score.log_prob);
  const int64_t before = scorer.tokens_run();
  for (size_t i = requests.size(); i-- > 0;) {  // back, one at a time
    EXPECT_EQ(scorer.score(std::span(requests).subspan(i, 1))[0].log_prob, expected[i]) << i;
  }
  EXPECT_LT(scorer.tokens_run() - before, 36 * 70 / 2);
}

TEST(PrefixScorer, SaysWhetherTheContinuationIsTheLikeliest) {
  Session session(Miniature::random("qwen2_moe").load(), {1});
  PrefixScorer scorer(session);
  int greedy = 0;
  for (int32_t id = 0; id < kVocab; ++id) {
    const ScoreRequest request{{5, 6, 7, id}, 3};
    greedy += scorer.score({&request, 1})[0].greedy ? 1 : 0;
  }
  EXPECT_EQ(greedy, 1);
}

TEST(PrefixScorer, RefusesWhatCannotBeScored) {
  Session session(Miniature::random("qwen2_moe").load(), {1});
  PrefixScorer scorer(session);
  for (const ScoreRequest& bad :
       {ScoreRequest{{1, 2}, 0}, ScoreRequest{{1, 2}, 2}, ScoreRequest{{}, 1},
        ScoreRequest{{1, kVocab}, 1}, ScoreRequest{{1, -1}, 1}, ScoreRequest{{kVocab, 1}, 1}}) {
    const auto error = error_of([&] { scorer.score({&bad, 1}); });
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->code(), ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace expertoire::test
