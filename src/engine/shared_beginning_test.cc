// Session::forward_last computes what texts begin with once: last tokens have the bits that they
// have without.
#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <stdexcept>

#include "base/error.h"
#include "engine/session.h"
#include "support/miniature.h"

namespace expertoire::test {
namespace {

using Ids = std::vector<int32_t>;

// Routing and residual streams of the last token of each text, and the tokens that were seen.
class LastTokens final : public RoutingSink, public HiddenSink {
 public:
  explicit LastTokens(const std::vector<Ids>& texts) : texts_(texts), seen_(texts.size()) {}

  void on_routing(const RoutingEvent& event) override {
    for (size_t row = 0; row < event.tokens.size(); ++row) {
      if (const TopKRouting* routing = event.top_k()) {
        take(event.tokens[row], routing->logits.data(), row, routing->outputs);
      } else if (const FactoredRouting* routing = event.factored()) {
        for (const auto& side : routing->sides) {
          take(event.tokens[row], side.logits.data(), row, routing->heads * routing->keys);
        }
      }
    }
  }
  void on_hidden(int index, std::span<const TokenRef> tokens, const Rows& hidden) override {
    if (index == 0) tokens_ = tokens.size();
    for (size_t row = 0; row < tokens.size(); ++row) {
      take(tokens[row], static_cast<const float*>(hidden.row(static_cast<int64_t>(row))), 0, 16);
    }
  }

  size_t tokens() const { return tokens_; }
  const std::vector<std::vector<float>>& seen() const { return seen_; }

 private:
  void take(const TokenRef& token, const float* values, size_t row, int64_t width) {
    const auto text = static_cast<size_t>(token.sequence);
    if (static_cast<size_t>(token.position) + 1 != texts_[text].size()) return;
    const float* begin = values + static_cast<int64_t>(row) * width;
    seen_[text].insert(seen_[text].end(), begin, begin + width);
  }

  const std::vector<Ids>& texts_;
  std::vector<std::vector<float>> seen_;
  size_t tokens_ = 0;
};

// `count` texts with the same first `shared` tokens, that differ in the next one.
std::vector<Ids> texts(size_t shared, size_t count, unsigned seed = 7) {
  std::mt19937 random(seed);
  const auto token = [&] { return static_cast<int32_t>(random() % 97); };
  Ids begin(shared);
  for (int32_t& id : begin) id = token();
  std::vector<Ids> all;
  for (size_t i = 0; i < count; ++i) {
    Ids& text = all.emplace_back(begin);
    text.push_back(static_cast<int32_t>(i % 97));
    for (size_t more = random() % 20; more > 0; --more) text.push_back(token());
  }
  return all;
}

std::vector<std::span<const int32_t>> spans(const std::vector<Ids>& all) {
  return {all.begin(), all.end()};
}

size_t sum_of_lengths(const std::vector<Ids>& all) {
  return std::accumulate(all.begin(), all.end(), size_t{0},
                         [](size_t sum, const Ids& ids) { return sum + ids.size(); });
}

// What a new session says of them that computes every token.
LastTokens plain(const std::shared_ptr<const Model>& model, const std::vector<Ids>& all) {
  LastTokens sink(all);
  Session(model, {2}).forward_once(spans(all), &sink, &sink);
  return sink;
}

LastTokens shared(Session& session, const std::vector<Ids>& all) {
  LastTokens sink(all);
  session.forward_last(spans(all), &sink, &sink);
  return sink;
}

class SharedBeginningTest : public testing::TestWithParam<std::string> {
 protected:
  static void compare(const std::shared_ptr<const Model>& model) {
    Session session(model, {2});
    for (const size_t length : {5, 6, 1, 63, 64, 65, 70, 5}) {
      const auto all = texts(length, 80);
      const LastTokens with = shared(session, all);
      EXPECT_EQ(with.seen(), plain(model, all).seen()) << length;
      EXPECT_EQ(with.tokens(), sum_of_lengths(all) - 80 * length);
    }
  }
};

TEST_P(SharedBeginningTest, SameBitsInF32) {
  compare(Miniature::random(GetParam()).load(Compute::kF32));
}
TEST_P(SharedBeginningTest, SameBitsInBf16) {
  compare(Miniature::random(GetParam()).load(Compute::kBF16));
}

INSTANTIATE_TEST_SUITE_P(Families, SharedBeginningTest, testing::ValuesIn(miniature_names()),
                         [](const auto& info) { return info.param; });

class SessionBeginningTest : public testing::Test {
 protected:
  std::shared_ptr<const Model> model_ = Miniature::random("olmoe").load(Compute::kF32);
  Session session_{model_, {2}};
};

TEST_F(SessionBeginningTest, GoesOnFromWhatTheLastBatchBeganWith) {
  shared(session_, texts(20, 80));
  const auto few = texts(20, 2);  // too few for a pass of their own
  EXPECT_EQ(shared(session_, few).tokens(), sum_of_lengths(few) - 40);
  const auto one = texts(20, 1);
  const LastTokens seen = shared(session_, one);
  EXPECT_EQ(seen.tokens(), one[0].size() - 20);
  EXPECT_EQ(seen.seen(), plain(model_, one).seen());
  const auto others = texts(20, 2, 8);
  EXPECT_EQ(shared(session_, others).tokens(), sum_of_lengths(others));
}

TEST_F(SessionBeginningTest, EqualTextsKeepTheirLastToken) {
  const std::vector<Ids> all(80, texts(20, 1)[0]);
  const LastTokens seen = shared(session_, all);
  EXPECT_EQ(seen.tokens(), 80U);
  EXPECT_EQ(seen.seen(), plain(model_, all).seen());
}

TEST_F(SessionBeginningTest, AnEditForgetsIt) {
  const auto all = texts(20, 80);
  shared(session_, all);
  const RoutingEdit edit({}, {{.action = EditAction::kReroute, .experts = {0, 1, 2}}});
  session_.set_edit(edit);
  Session edited(model_, {2});
  edited.set_edit(edit);
  LastTokens expected(all);
  edited.forward_once(spans(all), &expected, &expected);
  EXPECT_EQ(shared(session_, all).seen(), expected.seen());
  EXPECT_NE(expected.seen(), plain(model_, all).seen());
}

TEST_F(SessionBeginningTest, APassThatFailsLeavesNothing) {
  auto broken = texts(20, 80);
  shared(session_, broken);
  broken[3].back() = 97'000;
  EXPECT_THROW(shared(session_, broken), Error);
  const auto others = texts(0, 80, 9);
  EXPECT_EQ(shared(session_, others).seen(), plain(model_, others).seen());
  broken = texts(20, 80);
  for (Ids& text : broken) text[4] = 97'000;
  EXPECT_THROW(shared(session_, broken), Error);
  EXPECT_EQ(shared(session_, others).seen(), plain(model_, others).seen());
}

// Fails while a layer after the first runs.
class Refusal final : public RoutingSink {
 public:
  void on_routing(const RoutingEvent& event) override {
    if (event.layer > 0) throw std::runtime_error("enough");
  }
};

TEST_P(SharedBeginningTest, APassThatFailsInALayerLeavesNothing) {
  const auto model = Miniature::random(GetParam()).load(Compute::kBF16);
  const auto& routers = model->config().routing_layers();
  if (routers.empty() || routers.back() == 0) return;  // nothing to fail in
  Session session(model, {2});
  const auto all = texts(67, 80);
  Refusal refusal;
  EXPECT_THROW(session.forward_last(spans(all), &refusal), std::runtime_error);
  const auto shorter = texts(5, 80, 9);
  EXPECT_EQ(shared(session, shorter).seen(), plain(model, shorter).seen());
  EXPECT_EQ(shared(session, all).seen(), plain(model, all).seen());
}

}  // namespace
}  // namespace expertoire::test
