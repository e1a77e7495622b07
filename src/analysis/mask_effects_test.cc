#include "analysis/mask_effects.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/errors.h"

namespace expertoire {
namespace {

using test::error_of;

const double kBit = std::log(2.0);  // nats

// `each` documents of 8 bytes in each domain, of 2 bits a byte; document i of a domain weighs
// 1 + i % 3 times as much, so that documents differ.
class Planted {
 public:
  Planted(std::vector<std::string> domains, std::vector<int> each) {
    scores_.domains = std::move(domains);
    for (size_t d = 0; d < each.size(); ++d) {
      for (int i = 0; i < each[d]; ++i) {
        scores_.domain_of.push_back(static_cast<int>(d));
        scores_.sizes.push_back(8);
        weights_.push_back(1 + i % 3);
        scores_.before.push_back(16 * kBit * weights_.back());
      }
    }
  }
  // Adds so many bits a byte to the documents of each domain, times their weight.
  void mask(MaskRun run, const std::vector<double>& bits) {
    std::vector<double> after = scores_.before;
    for (size_t i = 0; i < after.size(); ++i) {
      after[i] += bits[static_cast<size_t>(scores_.domain_of[i])] * 8 * kBit * weights_[i];
    }
    scores_.runs.push_back(run);
    scores_.after.push_back(std::move(after));
  }
  MaskEffects effects(int resamples = 500) const {
    return mask_effects(scores_, {.resamples = resamples});
  }
  const MaskScores& scores() const { return scores_; }

 private:
  MaskScores scores_;
  std::vector<double> weights_;
};

// Weights 1, 2, 3 in turn: 2 on average of 30 documents.
TEST(MaskEffectsTest, ChangesAreBitsAByteOfEachDomain) {
  Planted planted({"law", "math", "art"}, {30, 30, 30});
  planted.mask({.target = 0, .experts = 7, .mass = 0.1, .target_mass = 0.3}, {1, 0.25, 0});
  const MaskEffects effects = planted.effects();
  EXPECT_NEAR(effects.domains[0].before.value, 4, 1e-12);
  EXPECT_TRUE(effects.domains[0].claimed);
  const MaskEffect& effect = *effects.find(0, MaskKind::kSelected);
  EXPECT_NEAR(effect.change[0].value, 2, 1e-12);
  EXPECT_NEAR(effect.change[1].value, 0.5, 1e-12);
  EXPECT_NEAR(effect.change[2].value, 0, 1e-12);
  EXPECT_NEAR(effect.others.value, 0.25, 1e-12);
  EXPECT_LT(effect.change[0].low, 2);
  EXPECT_GT(effect.change[0].high, 2);
  // The mean of 30 weights of spread sqrt(2/3): 2 · 1.96 · 0.816 / sqrt(30) = 0.58 wide.
  EXPECT_NEAR(effect.change[0].high - effect.change[0].low, 0.58, 0.08);
  EXPECT_EQ(effects.find(1, MaskKind::kSelected), nullptr);
}

TEST(MaskEffectsTest, SummariesAreMeansOverTargets) {
  Planted planted({"law", "math", "art"}, {30, 30, 30});
  planted.mask({.target = 0}, {1, 0.1, 0.1});
  planted.mask({.target = 1}, {0.2, 3, 0.2});
  for (const int target : {0, 1}) {
    planted.mask({.target = target, .kind = MaskKind::kSameMass, .seed = 0}, {0.2, 0.2, 0.2});
    planted.mask({.target = target, .kind = MaskKind::kSameMass, .seed = 1}, {0.6, 0.6, 0.6});
  }
  const MaskEffects effects = planted.effects();
  const MaskSummary& selected = effects.summaries.at(MaskKind::kSelected);
  EXPECT_EQ(selected.targets, 2);
  EXPECT_NEAR(selected.target.value, 4, 1e-9);    // (2 + 6) / 2
  EXPECT_NEAR(selected.others.value, 0.3, 1e-9);  // (0.2 + 0.4) / 2
  EXPECT_NEAR(selected.difference.value, 3.7, 1e-9);
  ASSERT_TRUE(selected.ratio);
  EXPECT_NEAR(selected.ratio->value, 4 / 0.3, 1e-9);
  EXPECT_FALSE(selected.selected_less);
  const MaskSummary& random = effects.summaries.at(MaskKind::kSameMass);
  EXPECT_NEAR(random.target.value, 0.8, 1e-9);  // the mean of 0.2 and 0.6, times 2
  EXPECT_NEAR(random.difference.value, 0, 1e-9);
  EXPECT_NEAR(random.selected_less->value, 3.2, 1e-9);
  EXPECT_NEAR(random.selected_over->value, 5, 1e-9);
  const MaskEffect& effect = *effects.find(1, MaskKind::kSameMass);
  EXPECT_EQ(effect.seeds, 2);
  EXPECT_NEAR(effect.least, 0.4, 1e-9);
  EXPECT_NEAR(effect.most, 1.2, 1e-9);
}

// What all documents lose alike has no spread in a difference, though each mean has.
TEST(MaskEffectsTest, DrawsArePairedBetweenMasks) {
  Planted planted({"law", "math"}, {30, 30});
  planted.mask({.target = 0}, {1, 0});
  planted.mask({.target = 0, .kind = MaskKind::kSameMass}, {0.5, 0});
  const MaskSummary random = planted.effects().summaries.at(MaskKind::kSameMass);
  EXPECT_GT(random.target.high - random.target.low, 0.1);
  EXPECT_NEAR(random.selected_over->low, 2, 1e-9);
  EXPECT_NEAR(random.selected_over->high, 2, 1e-9);
}

TEST(MaskEffectsTest, RatiosOnlyWhereTheOthersLose) {
  Planted planted({"law", "math"}, {30, 30});
  planted.mask({.target = 0}, {1, 0});
  planted.mask({.target = 0, .kind = MaskKind::kFrequent}, {-0.1, 0.2});
  const MaskEffects effects = planted.effects();
  EXPECT_FALSE(effects.summaries.at(MaskKind::kSelected).ratio);
  EXPECT_TRUE(effects.summaries.at(MaskKind::kFrequent).ratio);
  EXPECT_FALSE(effects.summaries.at(MaskKind::kFrequent).selected_over);
}

TEST(MaskEffectsTest, FewDocumentsMakeNoClaim) {
  Planted planted({"law", "math", "art", "none"}, {30, 9, 30, 0});
  planted.mask({.target = 0}, {1, 100, 0.1, 0});
  planted.mask({.target = 1}, {0, 1, 0, 0});
  const MaskEffects effects = planted.effects();
  EXPECT_FALSE(effects.domains[1].claimed);
  EXPECT_TRUE(std::isnan(effects.domains[1].before.low));
  const MaskEffect& effect = *effects.find(0, MaskKind::kSelected);
  EXPECT_NEAR(effect.change[1].value, 200, 1e-6);
  EXPECT_TRUE(std::isnan(effect.change[1].high));
  EXPECT_TRUE(std::isnan(effect.change[3].value));
  EXPECT_NEAR(effect.others.value, 0.2, 1e-9);
  EXPECT_EQ(effects.summaries.at(MaskKind::kSelected).targets, 1);
  const nlohmann::json json = effects.to_json();
  EXPECT_TRUE(json["masks"][0]["change"]["math"]["low"].is_null());
  EXPECT_TRUE(json["masks"][0]["change"]["none"]["value"].is_null());
  EXPECT_EQ(json["masks"][0]["target"], "law");
  EXPECT_EQ(json["summary"]["selected"]["targets"], 1);
}

TEST(MaskEffectsTest, NothingToMeasure) {
  const Planted planted({"law", "math"}, {30, 30});
  EXPECT_EQ(error_of([&] { planted.effects(); })->code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace expertoire
