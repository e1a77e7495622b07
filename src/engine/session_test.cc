// What a session refuses before it runs, and that it is usable after an error.
#include "engine/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "support/errors.h"
#include "support/miniature.h"
#include "support/transcript.h"

namespace expertoire::test {
namespace {

using testing::HasSubstr;

class SessionTest : public testing::Test {
 protected:
  void expect_refused(std::span<const Chunk> chunks, ErrorCode code, const std::string& sentence) {
    const auto error = error_of([&] { session_.forward(chunks); });
    ASSERT_TRUE(error) << sentence;
    EXPECT_EQ(error->code(), code);
    EXPECT_THAT(error->what(), HasSubstr(sentence));
  }

  Session session_{Miniature::random("olmoe").load(), {2}};
  const std::vector<int32_t> ids_ = {1, 2, 3};
};

TEST_F(SessionTest, BatchesThatMakeNoSenseAreRefused) {
  KvCache cache = session_.new_cache();
  const std::vector<int32_t> none;
  const std::vector<int32_t> low = {4, -1};
  const std::vector<int32_t> high = {97};
  expect_refused({}, ErrorCode::kInvalidArgument, "no texts");
  const Chunk empty{&cache, none};
  expect_refused({&empty, 1}, ErrorCode::kInvalidArgument, "a text without tokens");
  const std::array<Chunk, 2> twice = {{{&cache, ids_}, {&cache, ids_}}};
  expect_refused(twice, ErrorCode::kInvalidArgument, "one cache twice");
  const Chunk negative{&cache, low};
  expect_refused({&negative, 1}, ErrorCode::kInvalidArgument,
                 "token id -1; expected an id from 0 to 96");
  const Chunk outside{&cache, high};
  expect_refused({&outside, 1}, ErrorCode::kInvalidArgument, "token id 97");
}

TEST_F(SessionTest, CacheOfAnotherModelIsRefused) {
  KvCache half(session_.model().config(), Compute::kBF16, false);
  const Chunk of_another{&half, ids_};
  expect_refused({&of_another, 1}, ErrorCode::kInvalidArgument,
                 "no cache, or one of another model");
  const Chunk of_none{nullptr, ids_};
  expect_refused({&of_none, 1}, ErrorCode::kInvalidArgument, "no cache, or one of another model");
}

TEST_F(SessionTest, ContextCountsWhatTheCacheHolds) {
  KvCache cache = session_.new_cache();
  const std::vector<int32_t> long_text(510, 7);
  const Chunk fits{&cache, long_text};
  session_.forward({&fits, 1});
  const Chunk more{&cache, ids_};
  expect_refused({&more, 1}, ErrorCode::kTooLong, "513 tokens");
  EXPECT_EQ(cache.length(), 510);
  const Chunk last{&cache, std::span(ids_).first(2)};
  session_.forward({&last, 1});
  EXPECT_EQ(cache.length(), 512);
}

TEST_F(SessionTest, RefusedEditLeavesTheOldOne) {
  const auto record = [&] {
    Transcript transcript(1);
    const std::span<const int32_t> text = ids_;
    transcript.run_once(session_, {&text, 1}, {0});
    return transcript.of(0);
  };
  session_.set_edit(RoutingEdit({}, {{.action = EditAction::kAblate, .experts = {0, 1, 2}}}));
  const Record edited = record();
  EXPECT_TRUE(error_of([&] {
    session_.set_edit(RoutingEdit({}, {{.action = EditAction::kAblate, .experts = {99}}}));
  }));
  EXPECT_EQ(difference(record(), edited), "");
}

// Infinity in the residual stream is named with its layer, and leaves no trace in the session.
TEST_F(SessionTest, OverflowIsReportedWithItsLayerAndDoesNotStay) {
  const auto record = [&] {
    Transcript transcript(1);
    const std::span<const int32_t> text = ids_;
    transcript.run_once(session_, {&text, 1}, {0});
    return transcript.of(0);
  };
  const Record before = record();
  const float huge = std::numeric_limits<float>::max();
  session_.set_edit(RoutingEdit({}, {{.action = EditAction::kScale,
                                      .layers = std::vector{1},
                                      .experts = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
                                      .factor = huge}}));
  const auto error = error_of(record);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kNumeric);
  EXPECT_THAT(error->what(), HasSubstr("layer 1"));
  session_.set_edit(RoutingEdit{});
  EXPECT_EQ(difference(record(), before), "");
}

// A value that overflowed lies in the cache, beside the first position of the next text. Products
// of bf16 take positions in pairs.
TEST(SessionBf16Test, OverflowInTheCacheDoesNotReachTheNextText) {
  Miniature miniature = Miniature::random("mixtral");
  MiniatureTensor& table = miniature.tensors.at("model.embed_tokens.weight");
  for (int64_t id = 0; id < 97; ++id) table.row(id)[0] = id == 5 ? 30.0F : 0.0F;
  MiniatureTensor& values = miniature.tensors.at("model.layers.0.self_attn.v_proj.weight");
  for (int64_t j = 0; j < values.shape[0]; ++j) values.row(j)[0] = 3e38F;
  Session session(miniature.load(Compute::kBF16), {2});
  const std::vector<int32_t> sound = {7};
  const std::vector<int32_t> broken = {7, 5};
  const auto record = [&](const std::vector<int32_t>& ids) {
    Transcript transcript(1);
    const std::span<const int32_t> text = ids;
    transcript.run_once(session, {&text, 1}, {0});
    return transcript.of(0);
  };
  const Record before = record(sound);
  const auto error = error_of([&] { record(broken); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kNumeric);
  EXPECT_EQ(difference(record(sound), before), "");
}

TEST(ModelLoadTest, ProgressCountsLayers) {
  const TempDir folder;
  Miniature::random("deepseek").write(folder.path());
  std::vector<int64_t> seen;
  Model::load(folder.path(), {Compute::kF32, true, 1, [&](int64_t done, int64_t total) {
                                EXPECT_EQ(total, 5);
                                seen.push_back(done);
                              }});
  EXPECT_EQ(seen, (std::vector<int64_t>{1, 2, 3, 4, 5}));
}

// Packing is cut over threads; the weights are the same.
TEST(ModelLoadTest, ThreadsDoNotChangeWeights) {
  const Miniature miniature = Miniature::random("qwen3_moe");
  const std::vector<int32_t> ids = {3, 1, 4, 1, 5};
  const auto record = [&](int threads) {
    Session session(miniature.load(Compute::kBF16, threads), {1});
    Transcript transcript(1);
    const std::span<const int32_t> text = ids;
    transcript.run_once(session, {&text, 1}, {0});
    return transcript.of(0);
  };
  EXPECT_EQ(difference(record(5), record(1)), "");
}

}  // namespace
}  // namespace expertoire::test
