// The routing of a side turned round: which tokens kept which key.
#include "ffn/monet_pairs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

namespace expertoire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Two sides; side 1 keeps what `kept` says, token by token.
FactoredRouting routing_of(int keys, const std::vector<std::set<int32_t>>& kept) {
  FactoredRouting routing;
  routing.tokens = static_cast<int64_t>(kept.size());
  routing.heads = 1;
  routing.keys = keys;
  FactoredSide& side = routing.sides[1];
  side.begin = {0};
  for (const auto& of_token : kept) {
    side.keys.insert(side.keys.end(), of_token.begin(), of_token.end());
    side.begin.push_back(static_cast<int64_t>(side.keys.size()));
  }
  return routing;
}

std::vector<int32_t> tokens_of(const MonetPairs& pairs, int64_t key) {
  const auto tokens = pairs.tokens(key);
  return {tokens.begin(), tokens.end()};
}

TEST(MonetPairsTest, KeyByKeyWithTokensRising) {
  MonetPairs pairs;
  pairs.list(routing_of(5, {{0}, {1, 3}, {3}, {1, 2, 3}}), 1, 1, 4);
  EXPECT_EQ(pairs.count(), 6);
  EXPECT_THAT(std::vector<int32_t>(pairs.keys().begin(), pairs.keys().end()), ElementsAre(1, 2, 3));
  EXPECT_THAT(tokens_of(pairs, 0), IsEmpty());  // token 0 is not of the block
  EXPECT_THAT(tokens_of(pairs, 1), ElementsAre(0, 2));
  EXPECT_THAT(tokens_of(pairs, 2), ElementsAre(2));
  EXPECT_THAT(tokens_of(pairs, 3), ElementsAre(0, 1, 2));
  EXPECT_THAT(tokens_of(pairs, 4), IsEmpty());
}

TEST(MonetPairsTest, EntriesFindTheirPairs) {
  std::mt19937 random(3);
  std::vector<std::set<int32_t>> kept(kMonetBlock + 5);
  for (auto& of_token : kept) {
    for (int i = 0; i < 6; ++i) of_token.insert(static_cast<int32_t>(random() % 40));
  }
  const FactoredRouting routing = routing_of(40, kept);
  MonetPairs pairs;
  pairs.list(routing, 1, 0, 3);  // what was there before goes
  pairs.list(routing, 1, 5, kMonetBlock + 5);
  std::set<int32_t> seen;
  for (int64_t t = 0; t < kMonetBlock; ++t) {
    const int32_t* of_entries = pairs.of_entries(t);
    for (const int32_t key : routing.kept(1, t + 5)) {
      const int32_t pair = *of_entries++;
      EXPECT_TRUE(seen.insert(pair).second) << pair << " twice";
      ASSERT_GE(pair, pairs.begin(key));
      ASSERT_LT(pair, pairs.begin(key + 1));
      EXPECT_EQ(pairs.tokens(key)[static_cast<size_t>(pair - pairs.begin(key))], t);
    }
  }
  EXPECT_EQ(static_cast<int64_t>(seen.size()), pairs.count());
}

TEST(MonetPairsTest, NothingKeptIsNothingListed) {
  MonetPairs pairs;
  pairs.list(routing_of(3, {{}, {}}), 1, 0, 2);
  EXPECT_EQ(pairs.count(), 0);
  EXPECT_TRUE(pairs.keys().empty());
}

}  // namespace
}  // namespace expertoire
