#include "analysis/continuations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "engine/generate.h"
#include "support/errors.h"
#include "support/miniature.h"

namespace expertoire {
namespace {

using ::testing::Each;
using ::testing::SizeIs;

class ContinuationsTest : public testing::TestWithParam<std::string> {
 protected:
  using Texts = std::vector<std::vector<int32_t>>;
  Texts sample(const ContinuationOptions& options, uint64_t prompt = 0) {
    return sample_continuations(session_, prompt_, prompt, options);
  }

  const std::vector<int32_t> prompt_ = {3, 1, 4, 1, 5, 9, 2, 6};
  Session session_{test::Miniature::random(GetParam()).load(), {.threads = 2}};
};

TEST_P(ContinuationsTest, AtTemperatureZeroAreWhatGenerateSays) {
  const Generated wanted = generate(session_, nullptr, prompt_, {.max_tokens = 9});
  EXPECT_THAT(sample({.count = 3, .max_tokens = 9}), Each(wanted.ids));
}

TEST_P(ContinuationsTest, DifferAndDoNotDependOnTheOthers) {
  ContinuationOptions options{.count = 6, .max_tokens = 8, .sampler = {.temperature = 1.0}};
  const Texts six = sample(options);
  EXPECT_THAT(six, Each(SizeIs(8)));
  EXPECT_GE(std::set(six.begin(), six.end()).size(), 5U);
  EXPECT_EQ(sample(options), six);
  EXPECT_NE(sample(options, 1), six);
  options.count = 2;
  EXPECT_EQ(sample(options), Texts(six.begin(), six.begin() + 2));
  options.sampler.seed = 1;
  EXPECT_NE(sample(options), Texts(six.begin(), six.begin() + 2));
}

TEST_P(ContinuationsTest, EndBeforeAStopId) {
  ContinuationOptions options{.count = 20, .max_tokens = 12, .sampler = {.temperature = 1.0}};
  const Texts open = sample(options);
  options.stop_ids = {open[0][3]};
  const Texts ended = sample(options);
  for (size_t i = 0; i < open.size(); ++i) {
    const auto end = std::ranges::find(open[i], options.stop_ids[0]);
    EXPECT_EQ(ended[i], std::vector<int32_t>(open[i].begin(), end)) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Families, ContinuationsTest, testing::Values("olmoe", "monet_vd"));

TEST(ContinuationsLimitTest, PromptsAreCutAndTheContextHasAnEnd) {
  Session session(test::Miniature::random("mixtral").load(), {.threads = 1});
  const int64_t most = session.model().config().max_position_embeddings;
  const std::vector<int32_t> long_prompt(static_cast<size_t>(most), 3);
  EXPECT_THAT(sample_continuations(session, long_prompt, 0, {.count = 1, .max_tokens = 4}),
              Each(SizeIs(4)));
  const auto error = test::error_of(
      [&] { sample_continuations(session, long_prompt, 0, {.count = 1, .max_tokens = most}); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kTooLong);
}

}  // namespace
}  // namespace expertoire
