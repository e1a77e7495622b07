// Selection against a plain computation in double, with and without edits.
#include "routing/select.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace expertoire {
namespace {

constexpr double kClose = 2e-6;

struct Expected {
  std::vector<double> probs;
  std::vector<int> selected;
  std::vector<double> weights;
};

bool has(const std::vector<uint8_t>& flags, int expert) {
  return !flags.empty() && flags[static_cast<size_t>(expert)] == 1;
}

std::vector<double> softmax(const std::vector<double>& logits) {
  std::vector<double> probs;
  for (double logit : logits) probs.push_back(std::exp(logit));
  const double sum = std::accumulate(probs.begin(), probs.end(), 0.0);
  for (double& prob : probs) prob /= sum;
  return probs;
}

// The documented meaning (routing/edit.h), one rule after the other.
Expected expect(const std::vector<float>& logits, const RouterRule& rule, const LayerEdit& edit) {
  const int experts = static_cast<int>(logits.size());
  std::vector<double> seen(logits.begin(), logits.end());
  for (int e = 0; e < experts; ++e) {
    if (edit.renormalize_probs && has(edit.rerouted, e)) seen[static_cast<size_t>(e)] = -INFINITY;
  }
  Expected expected;
  expected.probs = softmax(seen);
  const std::vector<double> own = expected.probs;
  // A forced expert counts as better than any, a rerouted one as worse.
  std::vector<std::tuple<int, float, int>> order;
  for (int e = 0; e < experts; ++e) {
    const int rank = has(edit.forced, e) ? 0 : has(edit.rerouted, e) ? 2 : 1;
    order.emplace_back(rank, -logits[static_cast<size_t>(e)], e);
    if (has(edit.rerouted, e)) expected.probs[static_cast<size_t>(e)] = 0.0;
  }
  std::sort(order.begin(), order.end());
  std::vector<std::pair<float, int>> chosen;
  for (int i = 0; i < rule.top_k; ++i) {
    chosen.emplace_back(std::get<1>(order[static_cast<size_t>(i)]),
                        std::get<2>(order[static_cast<size_t>(i)]));
  }
  std::sort(chosen.begin(), chosen.end());
  for (const auto& [logit, e] : chosen) {
    expected.selected.push_back(e);
    expected.weights.push_back(own[static_cast<size_t>(e)]);
  }
  const auto sum = [&] {
    return std::accumulate(expected.weights.begin(), expected.weights.end(), 0.0);
  };
  const double total = rule.norm_topk_prob ? sum() : 1.0;
  for (double& weight : expected.weights) weight /= total;
  const double before = sum();
  for (size_t i = 0; i < expected.weights.size(); ++i) {
    if (edit.factor.empty()) break;
    expected.weights[i] *= edit.factor[static_cast<size_t>(expected.selected[i])];
  }
  const double after = sum();
  for (double& weight : expected.weights) {
    if (edit.renormalize_weights && after != 0.0) weight *= before / after;
  }
  return expected;
}

class SelectTest : public testing::TestWithParam<const KernelTable*> {
 protected:
  TopKRouting route(const std::vector<std::vector<float>>& logits, const RouterRule& rule,
                    const LayerEdit* edit, bool shared = false) {
    TopKRouting routing;
    routing.resize(static_cast<int64_t>(logits.size()), static_cast<int>(logits[0].size()),
                   rule.top_k, shared);
    for (size_t t = 0; t < logits.size(); ++t) {
      std::copy(logits[t].begin(), logits[t].end(),
                routing.logits.begin() + static_cast<std::ptrdiff_t>(t * logits[t].size()));
    }
    select_experts(*GetParam(), rule, edit, 0, routing.tokens, routing);
    return routing;
  }

  void compare(const TopKRouting& routing, const std::vector<std::vector<float>>& logits,
               const RouterRule& rule, const LayerEdit& edit) {
    for (size_t t = 0; t < logits.size(); ++t) {
      const Expected expected = expect(logits[t], rule, edit);
      for (size_t e = 0; e < logits[t].size(); ++e) {
        ASSERT_NEAR(routing.probs[t * logits[t].size() + e], expected.probs[e], kClose);
      }
      for (size_t i = 0; i < expected.selected.size(); ++i) {
        const size_t at = t * expected.selected.size() + i;
        ASSERT_EQ(routing.selected[at], expected.selected[i]) << "token " << t << " choice " << i;
        ASSERT_NEAR(routing.weights[at], expected.weights[i],
                    kClose * (1 + std::abs(expected.weights[i])));
      }
    }
  }

  int pick(int least, int most) { return std::uniform_int_distribution<int>(least, most)(random_); }
  // Steps of a half: many ties.
  std::vector<std::vector<float>> coarse_logits(int tokens, int experts) {
    std::vector<std::vector<float>> logits(static_cast<size_t>(tokens));
    for (auto& row : logits) {
      for (int e = 0; e < experts; ++e) row.push_back(0.5F * static_cast<float>(pick(-6, 6)));
    }
    return logits;
  }
  // At most top_k forced, at least top_k left.
  LayerEdit random_edit(int experts, int top_k) {
    LayerEdit edit;
    std::vector<int> order(static_cast<size_t>(experts));
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random_);
    const auto flag = [&](std::vector<uint8_t>& flags, int from, int to) {
      if (from < to) flags.assign(order.size(), 0);
      for (int i = from; i < to; ++i) flags[static_cast<size_t>(order[static_cast<size_t>(i)])] = 1;
    };
    const int forced = pick(0, top_k);
    flag(edit.forced, 0, forced);
    flag(edit.rerouted, forced, forced + pick(0, experts - top_k));
    if (pick(0, 1) == 1) {
      for (int e = 0; e < experts; ++e) {
        edit.factor.push_back(pick(0, 2) == 0 ? 0.0F : 0.25F * static_cast<float>(pick(1, 12)));
      }
    }
    edit.renormalize_probs = pick(0, 1) == 1;
    edit.renormalize_weights = pick(0, 1) == 1;
    return edit;
  }

  std::mt19937 random_{11};
};

TEST_P(SelectTest, EqualsTheDefinitionUnderAnyEdit) {
  for (int round = 0; round < 300; ++round) {
    const int experts = pick(1, 70);
    const RouterRule rule{pick(1, experts), pick(0, 1) == 1};
    const auto logits = coarse_logits(3, experts);
    const LayerEdit none;
    compare(route(logits, rule, nullptr), logits, rule, none);
    compare(route(logits, rule, &none), logits, rule, none);
    const LayerEdit edit = random_edit(experts, rule.top_k);
    compare(route(logits, rule, &edit), logits, rule, edit);
    if (HasFatalFailure()) return;
  }
}

TEST_P(SelectTest, TiesGoToTheLowerIdAndOrderFallsByLogit) {
  const TopKRouting routing = route({{1, 3, 2, 3, 2, 3}}, {4, false}, nullptr);
  EXPECT_EQ(routing.selected, (std::vector<int32_t>{1, 3, 5, 2}));
}

// Logits a last bit apart have the same probability in f32; the larger logit still wins.
TEST_P(SelectTest, LogitsDecideWhereProbabilitiesRoundTogether) {
  const float larger = std::nextafter(9.0F, 10.0F);
  const TopKRouting routing = route({{9.0F, larger, -50.0F}}, {1, false}, nullptr);
  EXPECT_EQ(routing.selected, std::vector<int32_t>{1});
}

TEST_P(SelectTest, RangesAreTokensOfTheirOwn) {
  const auto logits = coarse_logits(9, 12);
  const RouterRule rule{3, true};
  const TopKRouting whole = route(logits, rule, nullptr);
  TopKRouting parts = route(logits, rule, nullptr);
  std::fill(parts.weights.begin(), parts.weights.end(), -1.0F);
  select_experts(*GetParam(), rule, nullptr, 4, 6, parts);
  for (size_t i = 0; i < parts.weights.size(); ++i) {
    EXPECT_EQ(parts.weights[i], i >= 12 && i < 18 ? whole.weights[i] : -1.0F) << i;
  }
}

TEST_P(SelectTest, AblationDropsAWeightAndRenormalisingKeepsTheSum) {
  const std::vector<std::vector<float>> logits = {{2, 1, 0, -1}};
  LayerEdit edit{.factor = {0, 1, 1, 1}};
  const TopKRouting plain = route(logits, {2, false}, nullptr);
  const TopKRouting dropped = route(logits, {2, false}, &edit);
  EXPECT_EQ(dropped.selected, plain.selected);
  EXPECT_EQ(dropped.weights[0], 0.0F);
  EXPECT_EQ(dropped.weights[1], plain.weights[1]);
  edit.renormalize_weights = true;
  const TopKRouting kept = route(logits, {2, false}, &edit);
  EXPECT_EQ(kept.weights[0], 0.0F);
  EXPECT_NEAR(kept.weights[1], plain.weights[0] + plain.weights[1], 1e-6);
  edit.factor = {0, 0, 1, 1};  // nothing left to scale up
  EXPECT_EQ(route(logits, {2, false}, &edit).weights, (std::vector<float>{0, 0}));
}

TEST_P(SelectTest, ReroutedExpertIsNeverChosenAndRenormalisingIsSoftmaxOverTheRest) {
  const std::vector<std::vector<float>> logits = {{5, 1, 0, -1}};
  LayerEdit edit{.rerouted = {1, 0, 0, 0}};
  const double all = std::exp(5.0) + std::exp(1.0) + 1.0 + std::exp(-1.0);
  const TopKRouting own = route(logits, {2, false}, &edit);
  EXPECT_EQ(own.selected, (std::vector<int32_t>{1, 2}));
  EXPECT_NEAR(own.weights[0], std::exp(1.0) / all, 1e-6);
  EXPECT_EQ(own.probs[0], 0.0F);
  edit.renormalize_probs = true;
  const TopKRouting rest = route(logits, {2, false}, &edit);
  EXPECT_NEAR(rest.weights[0], std::exp(1.0) / (all - std::exp(5.0)), 1e-6);
  EXPECT_NEAR(rest.probs[1] + rest.probs[2] + rest.probs[3], 1.0, 1e-6);
  EXPECT_EQ(rest.logits, logits[0]) << "logits are what the router said";
}

TEST_P(SelectTest, ForcedExpertReplacesTheLeastProbableChoiceWithItsOwnProbability) {
  const std::vector<std::vector<float>> logits = {{5, 1, 0, -1}};
  const LayerEdit edit{.forced = {0, 0, 0, 1}};
  const TopKRouting routing = route(logits, {2, false}, &edit);
  EXPECT_EQ(routing.selected, (std::vector<int32_t>{0, 3}));
  EXPECT_EQ(routing.weights[1], routing.probs[3]);
}

TEST_P(SelectTest, SharedWeightsAreMultipliedByTheFactor) {
  TopKRouting routing;
  routing.resize(3, 2, 1, true);
  EXPECT_EQ(routing.shared_weights, (std::vector<float>{1, 1, 1}));
  std::fill(routing.logits.begin(), routing.logits.end(), 0.0F);
  routing.shared_weights = {0.5F, 1.0F, 0.25F};
  const LayerEdit edit{.shared_factor = 3.0F};
  select_experts(*GetParam(), {1, false}, &edit, 1, 3, routing);
  EXPECT_EQ(routing.shared_weights, (std::vector<float>{0.5F, 3.0F, 0.75F}));
}

INSTANTIATE_TEST_SUITE_P(Levels, SelectTest, testing::ValuesIn(available_kernels()),
                         [](const auto& info) { return std::string(info.param->name); });

TEST(StageTest, NamesAreFixedWords) {
  for (const char* name : {"logits", "probs", "selected", "weights"}) {
    ASSERT_TRUE(parse_stage(name));
    EXPECT_EQ(stage_name(*parse_stage(name)), name);
  }
  EXPECT_FALSE(parse_stage("Logits"));
  EXPECT_FALSE(parse_stage(""));
}

}  // namespace
}  // namespace expertoire
