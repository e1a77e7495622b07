// LastLayer::kLastTokens leaves the last token of each chunk, with the bits that it has beside the
// others, and caches that go on alike.
#include <gtest/gtest.h>

#include <random>

#include "engine/session.h"
#include "support/miniature.h"

namespace expertoire::test {
namespace {

// Tokens of the last layer that routes, and their logits.
class LastRouting final : public RoutingSink {
 public:
  void on_routing(const RoutingEvent& event) override {
    tokens = event.tokens.size();
    if (const TopKRouting* routing = event.top_k()) logits = routing->logits;
    if (const FactoredRouting* routing = event.factored()) logits = routing->sides[1].logits;
  }
  size_t tokens = 0;
  std::vector<float> logits;
};

class TwoWaysTest : public testing::Test {
 protected:
  struct Seen {
    std::vector<TokenRef> tokens;
    std::vector<std::vector<float>> hidden;  // of the last token of each chunk
    std::vector<std::vector<float>> logits;  // likewise
    LastRouting routing;
  };

  static std::vector<std::vector<int32_t>> texts(const std::vector<size_t>& lengths) {
    std::mt19937 random(7);
    std::vector<std::vector<int32_t>> all;
    for (const size_t length : lengths) {
      for (int32_t& id : all.emplace_back(length)) id = static_cast<int32_t>(random() % 97);
    }
    return all;
  }

  static Seen run(Session& session, std::vector<KvCache>& caches,
                  const std::vector<std::vector<int32_t>>& ids, LastLayer last_layer) {
    std::vector<Chunk> chunks;
    for (size_t i = 0; i < ids.size(); ++i) chunks.push_back({&caches[i], ids[i]});
    Seen seen;
    session.forward(chunks, &seen.routing, nullptr, last_layer);
    const Decoder& decoder = session.decoder();
    seen.tokens.assign(decoder.tokens().begin(), decoder.tokens().end());
    const ModelConfig& config = session.model().config();
    for (size_t i = 0; i < ids.size(); ++i) {
      const int64_t row = decoder.last_row(i);
      const float* hidden = decoder.hidden(row);
      seen.hidden.emplace_back(hidden, hidden + config.hidden_size);
      seen.logits.emplace_back(static_cast<size_t>(config.vocab_size));
      session.decoder().logits({&row, 1}, seen.logits.back().data());
    }
    return seen;
  }

  static std::vector<KvCache> caches(const Session& session, size_t count) {
    std::vector<KvCache> all;
    for (size_t i = 0; i < count; ++i) all.push_back(session.new_cache());
    return all;
  }

  static void compare(const Miniature& miniature, Compute compute) {
    Session session(miniature.load(compute), {2});
    auto whole = caches(session, 4);
    auto last = caches(session, 4);
    for (const auto& lengths : {std::vector<size_t>{1, 5, 75, 130}, {3, 1, 1, 2}, {1, 1, 1, 1}}) {
      const auto ids = texts(lengths);
      const Seen all = run(session, whole, ids, LastLayer::kAllTokens);
      const Seen few = run(session, last, ids, LastLayer::kLastTokens);
      EXPECT_EQ(few.hidden, all.hidden);
      EXPECT_EQ(few.logits, all.logits);
      ASSERT_EQ(few.tokens.size(), ids.size());
      for (size_t i = 0; i < ids.size(); ++i) {
        EXPECT_EQ(few.tokens[i].sequence, static_cast<int32_t>(i));
        EXPECT_EQ(few.tokens[i].position, last[i].length() - 1);
      }
      const ModelConfig& config = session.model().config();
      const auto& routers = config.routing_layers();
      if (routers.empty() || routers.back() + 1 != config.num_hidden_layers) continue;
      EXPECT_EQ(few.routing.tokens, ids.size());
      EXPECT_EQ(few.routing.logits.size() * all.tokens.size(),
                all.routing.logits.size() * ids.size());
    }
  }
};

class LastLayerTest : public TwoWaysTest, public testing::WithParamInterface<std::string> {};

TEST_P(LastLayerTest, SameBitsInF32) { compare(Miniature::random(GetParam()), Compute::kF32); }
TEST_P(LastLayerTest, SameBitsInBf16) { compare(Miniature::random(GetParam()), Compute::kBF16); }

INSTANTIATE_TEST_SUITE_P(Families, LastLayerTest, testing::ValuesIn(miniature_names()),
                         [](const auto& info) { return info.param; });

// The routing of the tokens that are left is that of a layer before.
TEST_F(TwoWaysTest, SameBitsWhereTheLastLayerHasNoRouter) {
  for (const char* name : {"monet_hd", "monet_vd"}) {
    nlohmann::json config = miniature_config(name);
    config["num_hidden_layers"] = 2;
    config["moe_groups"] = 2;
    compare(Miniature::of(config), Compute::kF32);
  }
}

}  // namespace
}  // namespace expertoire::test
