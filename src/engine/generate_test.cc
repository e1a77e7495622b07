// Continuations against a loop that knows no cache, stop strings, ends, and stopping on request.
#include "engine/generate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "support/errors.h"
#include "support/miniature.h"
#include "support/transcript.h"

namespace expertoire::test {
namespace {

// Nothing kept: the whole text anew for every token.
std::vector<int32_t> greedy_without_cache(Session& session, std::vector<int32_t> ids,
                                          size_t count) {
  std::vector<float> logits(static_cast<size_t>(session.model().config().vocab_size));
  std::vector<int32_t> added;
  while (added.size() < count) {
    const std::span<const int32_t> text = ids;
    session.forward_once({&text, 1});
    const int64_t row = session.decoder().last_row(0);
    session.decoder().logits({&row, 1}, logits.data());
    ids.push_back(
        static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin()));
    added.push_back(ids.back());
  }
  return added;
}

class MiniatureGenerateTest : public testing::TestWithParam<std::string> {
 protected:
  Session session(int threads = 2, int64_t context = 512) const {
    nlohmann::json config = miniature_config(GetParam());
    config["max_position_embeddings"] = context;
    return Session(Miniature::of(config).load(), {threads});
  }
  const std::vector<int32_t> prompt_ = {5, 90, 33, 7, 7, 12, 60, 2, 41, 18};
};

TEST_P(MiniatureGenerateTest, GreedyEqualsALoopWithoutCache) {
  Session cached = session();
  Session plain = session(1);
  const Generated result = generate(cached, nullptr, prompt_, {.max_tokens = 70});
  EXPECT_EQ(result.ids, greedy_without_cache(plain, prompt_, 70));
  EXPECT_EQ(result.reason, FinishReason::kLength);
  EXPECT_EQ(result.text, "");
}

// A token that is given another's embedding acts as that one.
TEST_P(MiniatureGenerateTest, SplicedEmbeddingsStandInForTokens) {
  Session one = session();
  std::vector<float> embedding(static_cast<size_t>(one.model().config().hidden_size));
  one.model().embed(prompt_[2], embedding.data());
  std::vector<int32_t> other = prompt_;
  other[2] = 71;
  const auto ids = [&](const std::vector<int32_t>& prompt, std::vector<Splice> splices) {
    return generate(one, nullptr, prompt, {.max_tokens = 30, .splices = std::move(splices)}).ids;
  };
  EXPECT_NE(ids(other, {}), ids(prompt_, {}));
  EXPECT_EQ(ids(other, {{2, embedding}}), ids(prompt_, {}));
}

TEST_P(MiniatureGenerateTest, SplicesOfAnotherShapeAreRefused) {
  Session one = session();
  const std::vector<float> embedding(static_cast<size_t>(one.model().config().hidden_size) + 1,
                                     0.0F);
  const std::span<const float> whole = embedding;
  for (const Splice splice : {Splice{0, whole}, Splice{prompt_.size(), whole.subspan(1)}}) {
    const auto error =
        error_of([&] { generate(one, nullptr, prompt_, {.max_tokens = 1, .splices = {splice}}); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), ErrorCode::kInvalidArgument);
  }
}

TEST_P(MiniatureGenerateTest, SamplingDependsOnTheSeedAndNotOnThreads) {
  const auto sampled = [&](int threads, uint64_t seed) {
    Session one = session(threads);
    const SamplerOptions sampler{.temperature = 1.0, .top_k = 20, .seed = seed};
    return generate(one, nullptr, prompt_, {.max_tokens = 40, .sampler = sampler}).ids;
  };
  EXPECT_EQ(sampled(1, 3), sampled(3, 3));
  EXPECT_NE(sampled(1, 3), sampled(1, 4));
}

TEST_P(MiniatureGenerateTest, EndsWhenTheContextIsFull) {
  Session small = session(1, 24);
  Session large = session(1);
  const Generated result = generate(small, nullptr, prompt_, {.max_tokens = 1000});
  EXPECT_EQ(result.reason, FinishReason::kLength);
  // Position 24 is never run, but what follows position 23 is known.
  EXPECT_EQ(result.ids.size(), 24 - prompt_.size() + 1);
  EXPECT_EQ(result.ids, generate(large, nullptr, prompt_, {.max_tokens = 15}).ids);
}

TEST_P(MiniatureGenerateTest, PromptOverTheContextIsTooLong) {
  Session small = session(1, 9);
  const auto error = error_of([&] { generate(small, nullptr, prompt_, {}); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kTooLong);
  EXPECT_NE(std::string(error->what()).find("10 tokens"), std::string::npos) << error->what();
}

TEST_P(MiniatureGenerateTest, StopTokenEndsAndIsLeftOut) {
  Session one = session();
  const std::vector<int32_t> free = generate(one, nullptr, prompt_, {.max_tokens = 30}).ids;
  const int32_t stop = free[11];
  const Generated result =
      generate(one, nullptr, prompt_, {.max_tokens = 30, .stop_ids = {stop, 96}});
  const auto end =
      std::find_if(free.begin(), free.end(), [&](int32_t id) { return id == stop || id == 96; });
  EXPECT_EQ(result.ids, std::vector<int32_t>(free.begin(), end));
  EXPECT_EQ(result.reason, FinishReason::kEos);
}

TEST_P(MiniatureGenerateTest, SinkSeesThePromptAndEveryTokenButTheLast) {
  struct Positions final : RoutingSink {
    void on_routing(const RoutingEvent& event) override {
      for (const TokenRef& token : event.tokens) seen[event.layer].push_back(token.position);
    }
    std::map<int, std::vector<int32_t>> seen;
  } positions;
  Session one = session();
  generate(one, nullptr, prompt_, {.max_tokens = 5}, {}, &positions);
  EXPECT_EQ(positions.seen.size(), one.model().config().routing_layers().size());
  std::vector<int32_t> all(prompt_.size() + 4);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int32_t>(i);
  for (const auto& [layer, seen] : positions.seen) EXPECT_EQ(seen, all) << layer;
}

INSTANTIATE_TEST_SUITE_P(Families, MiniatureGenerateTest, testing::ValuesIn(miniature_names()),
                         [](const auto& info) { return info.param; });

// Raises the token in a chosen layer of a chosen pass.
struct Interrupter final : HiddenSink, RoutingSink {
  Interrupter(CancelToken& token, int pass) : token_(token), pass_(pass) {}
  void on_hidden(int index, std::span<const TokenRef>, const Rows&) override {
    if (index == 1 && pass_-- == 0) token_.cancel();
  }
  void on_routing(const RoutingEvent& event) override {
    if (event.layer == 1 && pass_-- == 0) token_.cancel();
  }
  CancelToken& token_;
  int pass_;
};

TEST(CancelTest, GenerationStopsAndTheSessionGoesOnWithRightResults) {
  Session session(Miniature::random("olmoe").load(), {2});
  const std::vector<int32_t> prompt = {1, 2, 3, 4, 5};
  const std::vector<int32_t> expected = generate(session, nullptr, prompt, {.max_tokens = 9}).ids;
  for (int pass : {0, 1, 5}) {
    CancelToken token;
    Interrupter interrupter(token, pass);
    session.set_cancel(&token);
    const auto error =
        error_of([&] { generate(session, nullptr, prompt, {.max_tokens = 9}, {}, &interrupter); });
    ASSERT_TRUE(error) << pass;
    EXPECT_EQ(error->code(), ErrorCode::kCancelled);
    EXPECT_NE(std::string(error->what()).find("running the model"), std::string::npos);
    session.set_cancel(nullptr);
    EXPECT_EQ(generate(session, nullptr, prompt, {.max_tokens = 9}).ids, expected);
  }
}

// A pass that was stopped half-way has not happened: the cache is as long as before, and goes on.
TEST(CancelTest, CachesKeepWhatWasThereBefore) {
  const std::shared_ptr<const Model> model = Miniature::random("olmoe").load();
  const std::vector<int32_t> ids = {9, 8, 7, 6, 5, 4, 3, 2, 1};
  const std::span<const int32_t> all = ids;
  Session calm(model, {2});
  Transcript alone(1);
  alone.run_once(calm, {&all, 1}, {0});
  Session session(model, {2});
  Transcript transcript(1);
  KvCache cache = session.new_cache();
  Chunk chunk{&cache, all.first(4)};
  transcript.run(session, {&chunk, 1}, {0});
  CancelToken token;
  Interrupter interrupter(token, 0);
  session.set_cancel(&token);
  chunk.ids = std::span<const int32_t>(ids).last(5);
  EXPECT_TRUE(error_of([&] { session.forward({&chunk, 1}, nullptr, &interrupter); }));
  EXPECT_EQ(cache.length(), 4);
  EXPECT_TRUE(error_of([&] { session.forward({&chunk, 1}); })) << "still cancelled";
  session.set_cancel(nullptr);
  transcript.run(session, {&chunk, 1}, {0});
  EXPECT_EQ(difference(transcript.of(0), alone.of(0)), "");
}

}  // namespace
}  // namespace expertoire::test
