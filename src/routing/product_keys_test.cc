// The choice among n² experts against a sort of all of them, with and without edits.
#include "routing/product_keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace expertoire {
namespace {

constexpr ProductKeys kRule = {.heads = 3, .keys = 70, .top_k = 5};
constexpr int kExperts = kRule.keys * kRule.keys;
constexpr int kTokens = 6;

using Scores = std::vector<std::pair<float, int>>;

class ProductKeysTest : public testing::Test {
 protected:
  ProductKeysTest() {
    routing_.resize(kTokens, kExperts, kRule.heads * kRule.top_k, false,
                    2 * kRule.heads * kRule.keys);
    std::mt19937 random(4);
    std::normal_distribution<float> normal(0.0F, 2.0F);
    for (float& logit : routing_.logits) logit = normal(random);
  }

  const float* logits(int token, int side, int head) const {
    return routing_.logits.data() + ((token * 2 + side) * kRule.heads + head) * kRule.keys;
  }

  // All experts of one head, the best first.
  Scores ranked(int token, int head) const {
    Scores scores;
    for (int e = 0; e < kExperts; ++e) {
      scores.emplace_back(
          logits(token, 0, head)[e / kRule.keys] + logits(token, 1, head)[e % kRule.keys], e);
    }
    std::sort(scores.begin(), scores.end(), [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    return scores;
  }

  // What the head should choose: forced first, rerouted never; by falling score.
  Scores expected(int token, int head, const LayerEdit& edit) const {
    const auto flagged = [](const std::vector<uint8_t>& flags, int e) {
      return !flags.empty() && flags[static_cast<size_t>(e)] == 1;
    };
    Scores scores = ranked(token, head);
    std::erase_if(scores, [&](const auto& s) { return flagged(edit.rerouted, s.second); });
    std::stable_partition(scores.begin(), scores.end(),
                          [&](const auto& s) { return flagged(edit.forced, s.second); });
    scores.resize(kRule.top_k);
    std::sort(scores.rbegin(), scores.rend());
    return scores;
  }

  void select(const LayerEdit& edit, const KernelTable& kernels) {
    const ProductKeySelector selector(kRule, &edit);
    selector.select(kernels, 0, 2, routing_);
    selector.select(kernels, 2, kTokens, routing_);
  }

  void expect_choice(const LayerEdit& edit) {
    for (const KernelTable* kernels : available_kernels()) {
      select(edit, *kernels);
      for (int list = 0; list < kTokens * kRule.heads; ++list) {
        const Scores best = expected(list / kRule.heads, list % kRule.heads, edit);
        double sum = 0.0;
        for (const auto& [score, e] : best) sum += std::exp(static_cast<double>(score));
        for (int i = 0; i < kRule.top_k; ++i) {
          const size_t at = static_cast<size_t>(list * kRule.top_k + i);
          const auto& [score, e] = best[static_cast<size_t>(i)];
          ASSERT_EQ(routing_.selected[at], e) << kernels->name << " list " << list << " " << i;
          ASSERT_NEAR(routing_.weights[at], std::exp(static_cast<double>(score)) / sum, 2e-6);
        }
      }
    }
  }

  TopKRouting routing_;
};

TEST_F(ProductKeysTest, EachHeadHasTheBestOfAllPairs) { expect_choice({}); }

TEST_F(ProductKeysTest, ProbabilitiesOfTheSidesMultiplyToThoseOfAllExperts) {
  for (const KernelTable* kernels : available_kernels()) {
    select({}, *kernels);
    const float* p1 = routing_.probs.data() + (logits(1, 0, 2) - routing_.logits.data());
    const float* p2 = routing_.probs.data() + (logits(1, 1, 2) - routing_.logits.data());
    const Scores scores = ranked(1, 2);
    double sum = 0.0;
    for (const auto& [score, e] : scores) sum += std::exp(static_cast<double>(score));
    for (const auto& [score, e] : scores) {
      ASSERT_NEAR(static_cast<double>(p1[e / kRule.keys]) * static_cast<double>(p2[e % kRule.keys]),
                  std::exp(static_cast<double>(score)) / sum, 1e-6);
    }
  }
}

// So many that what is left lies outside of the k best keys of each side.
TEST_F(ProductKeysTest, ReroutedExpertsMakeWayForTheNextBest) {
  LayerEdit edit;
  edit.rerouted.assign(kExperts, 0);
  for (int head = 0; head < kRule.heads; ++head) {
    const Scores scores = ranked(0, head);
    for (size_t i = 0; i < 60; ++i) edit.rerouted[static_cast<size_t>(scores[i].second)] = 1;
  }
  expect_choice(edit);
}

TEST_F(ProductKeysTest, OnlyAsManyLeftAsAHeadChooses) {
  LayerEdit edit;
  edit.rerouted.assign(kExperts, 1);
  for (size_t e : {3, 71, 900, 901, 4899}) edit.rerouted[e] = 0;
  expect_choice(edit);
}

TEST_F(ProductKeysTest, ForcedExpertsTakeThePlaceOfTheLeast) {
  LayerEdit edit;
  edit.forced.assign(kExperts, 0);
  edit.rerouted.assign(kExperts, 0);
  for (size_t i : {0, 2000, 4899}) edit.forced[static_cast<size_t>(ranked(0, 1)[i].second)] = 1;
  edit.rerouted[static_cast<size_t>(ranked(0, 1)[1].second)] = 1;
  expect_choice(edit);
}

TEST_F(ProductKeysTest, FactorsMultiplyAndRenormalisingKeepsTheSum) {
  const KernelTable& kernels = default_kernels();
  select({}, kernels);
  const std::vector<float> plain = routing_.weights;
  LayerEdit edit;
  edit.factor.assign(kExperts, 1.0F);
  edit.factor[static_cast<size_t>(routing_.selected[0])] = 0.0F;
  edit.factor[static_cast<size_t>(routing_.selected[1])] = 2.0F;
  select(edit, kernels);
  EXPECT_EQ(routing_.weights[0], 0.0F);
  EXPECT_EQ(routing_.weights[1], 2.0F * plain[1]);
  EXPECT_EQ(routing_.weights[2], plain[2]);
  edit.renormalize_weights = true;
  select(edit, kernels);
  float sum = 0.0F;
  for (int i = 0; i < routing_.top_k; ++i) sum += routing_.weights[static_cast<size_t>(i)];
  EXPECT_NEAR(sum, 3.0F, 1e-5F);  // one for each head
}

// Equal scores everywhere: still a choice, and always the same.
TEST_F(ProductKeysTest, TiesGoToTheLowerId) {
  std::fill(routing_.logits.begin(), routing_.logits.end(), 0.0F);
  select({}, default_kernels());
  for (int i = 0; i < routing_.top_k; ++i) {
    EXPECT_EQ(routing_.selected[static_cast<size_t>(i)], i % kRule.top_k);
  }
}

}  // namespace
}  // namespace expertoire
