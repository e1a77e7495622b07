#include "analysis/prune.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "support/errors.h"
#include "support/miniature.h"
#include "support/naive_model.h"

namespace expertoire {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

const std::vector<int32_t> kText = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9};

std::map<int, std::vector<ExpertUse>> uses_of(const test::Miniature& miniature, Compute compute) {
  Session session(miniature.load(compute), {.threads = 1});
  ExpertUses uses(session, true);
  const std::span<const int32_t> text = kText;
  session.forward_once({&text, 1}, &uses);
  return uses.layers();
}

// Routed experts, their weights, and each one's output, from the naive model.
class ExpertUsesTest : public testing::TestWithParam<std::string> {
 protected:
  ExpertUsesTest() : miniature_(test::Miniature::random(GetParam())), naive_(miniature_) {}

  // What the naive model's routers see and say, summed as ExpertUses does.
  std::map<int, std::vector<ExpertUse>> expected() {
    std::map<int, std::vector<ExpertUse>> all;
    const test::NaiveModel::Pass pass = naive_.run(kText);
    const std::shared_ptr<const Model> model = miniature_.load();
    Session session(model, {.threads = 1});
    Inputs inputs;
    const std::span<const int32_t> text = kText;
    session.forward_once({&text, 1}, &inputs);
    naive_.set_shared([](int, double) { return 0.0; });
    for (const auto& [layer, logits] : pass.router_logits) {
      all[layer].resize(static_cast<size_t>(naive_.config().num_experts));
      for (size_t t = 0; t < logits.size(); ++t) {
        const test::Row mixture = naive_.family_mixture(logits[t]);
        for (size_t e = 0; e < mixture.size(); ++e) {
          if (mixture[e] == 0) continue;
          ExpertUse& use = all[layer][e];
          ++use.count;
          use.weight += mixture[e];
          use.output += mixture[e] * norm_of_expert(layer, e, inputs.rows.at(layer)[t]);
        }
      }
    }
    return all;
  }

  test::Miniature miniature_;
  test::NaiveModel naive_;

 private:
  struct Inputs final : RoutingSink {
    std::map<int, std::vector<test::Row>> rows;
    void on_routing(const RoutingEvent& event) override {
      for (size_t t = 0; t < event.tokens.size(); ++t) {
        const float* row = static_cast<const float*>(event.input.row(static_cast<int64_t>(t)));
        rows[event.layer].emplace_back(row, row + event.input.length);
      }
    }
  };

  double norm_of_expert(int layer, size_t expert, const test::Row& x) {
    naive_.set_mixture([expert](int, const test::Row& logits) {
      test::Row only(logits.size(), 0.0);
      only[expert] = 1;
      return only;
    });
    double square = 0;
    for (const double value : naive_.ffn(layer, x)) square += value * value;
    return std::sqrt(square);
  }
};

TEST_P(ExpertUsesTest, EqualThoseOfTheNaiveModel) {
  const auto got = uses_of(miniature_, Compute::kF32), wanted = expected();
  ASSERT_EQ(got.size(), wanted.size());
  for (const auto& [layer, experts] : wanted) {
    for (size_t e = 0; e < experts.size(); ++e) {
      const ExpertUse& use = got.at(layer)[e];
      EXPECT_EQ(use.count, experts[e].count) << layer << ":" << e;
      EXPECT_NEAR(use.weight, experts[e].weight, 1e-5) << layer << ":" << e;
      EXPECT_NEAR(use.output, experts[e].output, 1e-4 * (1 + experts[e].output)) << layer << e;
    }
  }
}

TEST_P(ExpertUsesTest, AreNearlyTheSameInBf16) {
  const auto f32 = uses_of(miniature_, Compute::kF32), bf16 = uses_of(miniature_, Compute::kBF16);
  double all = 0, all_bf16 = 0;
  for (const auto& [layer, experts] : f32) {
    for (size_t e = 0; e < experts.size(); ++e) {
      all += experts[e].output;
      all_bf16 += bf16.at(layer)[e].output;
    }
  }
  EXPECT_NEAR(all_bf16, all, 0.03 * all);
}

INSTANTIATE_TEST_SUITE_P(Families, ExpertUsesTest,
                         testing::ValuesIn(test::top_k_miniature_names()));

TEST(ExpertUsesRefusalTest, NamesTheModelType) {
  Session session(test::Miniature::random("monet_vd").load(), {.threads = 1});
  const auto error = test::error_of([&] { ExpertUses uses(session, false); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error->what(), testing::HasSubstr("monet"));
}

class PruneTest : public testing::Test {
 protected:
  const ModelConfig config_ = parse_config(test::miniature_config("mixtral"), "mixtral");
  // Five experts: how often, and what they add each time.
  const std::map<int, std::vector<ExpertUse>> uses_ = {
      {0, {{10, 1, 1}, {30, 1, 60}, {20, 1, 2}, {0, 0, 0}, {20, 1, 100}}}};
};

TEST_F(PruneTest, RanksByFrequencyAndByWhatIsAdded) {
  EXPECT_THAT(rank_experts(uses_, PruneRule::kFrequency, 0).at(0), ElementsAre(1, 2, 4, 0, 3));
  EXPECT_THAT(rank_experts(uses_, PruneRule::kReap, 0).at(0), ElementsAre(4, 1, 0, 2, 3));
  const auto random = rank_experts(uses_, PruneRule::kRandom, 1);
  EXPECT_THAT(random.at(0), testing::UnorderedElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(random, rank_experts(uses_, PruneRule::kRandom, 1));
  EXPECT_NE(random, rank_experts(uses_, PruneRule::kRandom, 2));
}

TEST_F(PruneTest, KeepsAtLeastWhatARouterChooses) {
  EXPECT_EQ(kept_experts(config_, 1.0), 5);
  EXPECT_EQ(kept_experts(config_, 0.5), 3);
  EXPECT_EQ(kept_experts(config_, 0.1), 2);  // top_k
}

TEST_F(PruneTest, TheRestIsRerouted) {
  const ExpertRanking ranking = rank_experts(uses_, PruneRule::kReap, 0);
  const RoutingEdit edit = keep_first(ranking, 2, config_);
  ASSERT_THAT(edit.items(), SizeIs(1));
  EXPECT_EQ(edit.items()[0].action, EditAction::kReroute);
  EXPECT_TRUE(edit.items()[0].renormalize);
  EXPECT_THAT(edit.items()[0].experts, ElementsAre(0, 2, 3));
  EXPECT_TRUE(keep_first(ranking, 5, config_).empty());
}

}  // namespace
}  // namespace expertoire
