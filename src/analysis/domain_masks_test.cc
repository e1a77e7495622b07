#include "analysis/domain_masks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/family/family.h"
#include "support/errors.h"
#include "support/miniature.h"
#include "support/planted_index.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

using test::error_of;
using test::PlantedIndex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::SizeIs;
using Item = RoutingEdit::Item;

ModelConfig config_of(const std::string& name) {
  return test::Miniature::random(name).load()->config();
}

// Routers in layers 0 and 2 of 3.
TEST(DomainMaskTest, AnEditNamesAllLayersOfTheRouter) {
  const ModelConfig monet = config_of("monet_hd");
  const RoutingEdit edit = edit_of({{0, {3, 48}}, {2, {5}}}, monet);
  ASSERT_THAT(edit.items(), SizeIs(2));
  EXPECT_THAT(*edit.items()[0].layers, ElementsAre(0, 1));
  EXPECT_THAT(edit.items()[0].experts, ElementsAre(3, 48));
  EXPECT_THAT(*edit.items()[1].layers, ElementsAre(2));
  EXPECT_EQ(edit.model().num_experts, 49);
}

// Layer 0 is dense, and every second one after it.
TEST(DomainMaskTest, DenseLayersAreNoneOfTheRouters) {
  const ModelConfig deepseek = config_of("deepseek");
  for (const int layer : deepseek.routing_layers()) {
    EXPECT_THAT(*edit_of({{layer, {1}}}, deepseek).items().at(0).layers, ElementsAre(layer));
  }
}

TEST(DomainMaskTest, AnEditIsAMaskAgain) {
  for (const char* name : {"monet_hd", "olmoe", "deepseek", "peer"}) {
    const ModelConfig config = config_of(name);
    const std::vector<int> layers = config.routing_layers();
    const ExpertMask mask = {{layers.front(), {0, 4, 9}}, {layers.back(), {2}}};
    EXPECT_EQ(mask_of(edit_of(mask, config), config, "e.json"), mask) << name;
  }
}

TEST(DomainMaskTest, OtherEditsAreNoMask) {
  const ModelConfig olmoe = config_of("olmoe"), monet = config_of("monet_hd");
  const auto refusal = [](const ModelConfig& config, std::vector<Item> items) {
    const auto error =
        error_of([&] { mask_of(RoutingEdit({}, std::move(items)), config, "e.json"); });
    return error ? std::string(error->what()) : std::string();
  };
  const std::vector<int> one = {0};
  EXPECT_THAT(refusal(olmoe, {{.action = EditAction::kReroute, .layers = one, .experts = {1}}}),
              HasSubstr("e.json"));
  EXPECT_THAT(refusal(olmoe, {{.action = EditAction::kForce, .layers = one, .experts = {1}}}),
              HasSubstr("layer 0"));
  EXPECT_THAT(
      refusal(olmoe,
              {{.action = EditAction::kScale, .layers = one, .experts = {7}, .factor = 0.5F}}),
      HasSubstr("scales expert 7"));
  EXPECT_THAT(refusal(olmoe, {{.layers = one, .experts = {1}, .renormalize = true}}),
              HasSubstr("renormalize"));
  EXPECT_THAT(refusal(olmoe, {{.layers = one, .experts = {10}}}), HasSubstr("expert 10"));
  EXPECT_THAT(refusal(olmoe, {{.layers = std::vector{3}, .experts = {1}}}), HasSubstr("layer 3"));
  EXPECT_THAT(refusal(monet, {{.layers = one, .experts = {1}}}), HasSubstr("layer 1"));
}

TEST(DomainMaskTest, AKeyIsAllJointExpertsOfItsRowOrColumn) {
  const UnitTable units({{0, 9, 3, 1, 1}});
  DomainSelection selection;
  selection.domains.names = {"a", "b"};
  const auto add = [&](const char* unit, int domain, bool qualifies) {
    selection.experts.push_back(
        {units.number(units.parse(unit)), {domain, 1 - domain, 1, 0}, 20, {}, qualifies});
  };
  add("0:left:1", 0, true);
  add("0:right:2", 1, true);
  add("0:1,0", 1, false);
  EXPECT_THAT(mask_of(selection, 0, units, false), ElementsAre(Pair(0, ElementsAre(3, 4, 5))));
  EXPECT_THAT(mask_of(selection, 1, units, false), ElementsAre(Pair(0, ElementsAre(2, 5, 8))));
  EXPECT_THAT(mask_of(selection, 1, units, true), ElementsAre(Pair(0, ElementsAre(2, 3, 5, 8))));
}

TEST(DomainMaskTest, MassesOfAnIndex) {
  const test::TempDir dir;
  PlantedIndex planted{.layers = {{0, 4, 2, 1, 1}}, .labels = {"a", "x", "b"}};
  for (int label = 0; label < 3; ++label) planted.documents.push_back({label, 10});
  planted.documents[0].masses = {{"0:0,1", 2.0F}, {"0:left:0", 9.0F}};
  planted.documents[1].masses = {{"0:0,1", 3.0F}};
  planted.documents[2].masses = {{"0:0,1", 0.5F}, {"0:1,1", 0.25F}};
  planted.write(dir.file("x.db"));
  const ExpertIndex index(dir.file("x.db"));
  IndexedDomains domains;
  domains.names = {"a", "b"};
  domains.of_label = {0, -1, 1};
  const IndexMasses masses = read_masses(index, domains);
  EXPECT_THAT(masses.whole.at(0), ElementsAre(0, 5.5, 0, 0.25));
  EXPECT_THAT(masses.counts.at(0), ElementsAre(0, 3, 0, 1));
  EXPECT_THAT(masses.by_domain.at(0).at(0), ElementsAre(0, 2, 0, 0));
  EXPECT_THAT(masses.by_domain.at(1).at(0), ElementsAre(0, 0.5, 0, 0.25));
}

TEST(DomainMaskTest, MostFrequentOnesOfEachLayer) {
  const ExpertMask top =
      most_frequent({{0, {0, 1}}, {3, {2}}}, {{0, {1, 5, 5, 9, 5}}, {3, {0, 0, 0}}});
  EXPECT_THAT(top.at(0), ElementsAre(1, 3));
  EXPECT_THAT(top.at(3), ElementsAre(0));
}

TEST(DomainMaskTest, PlansEveryKindForEachDomainWithExperts) {
  IndexMasses masses;
  masses.whole[0].assign(40, 1.0);
  masses.counts[0].assign(40, 1.0);
  masses.by_domain.resize(3, masses.whole);
  masses.by_domain[2][0].assign(40, 0.5);
  masses.by_domain[2][0][7] = 2;
  const std::vector<ExpertMask> selected = {{{0, {1, 2}}}, {}, {{0, {7}}}};
  const std::vector<PlannedMask> plan = plan_masks(
      selected, masses,
      {MaskKind::kSameNumber, MaskKind::kSameMass, MaskKind::kSameTargetMass, MaskKind::kFrequent},
      3, 1);
  ASSERT_THAT(plan, SizeIs(2 * (1 + 3 * 3 + 1)));
  EXPECT_EQ(plan[0].mask, selected[0]);
  EXPECT_DOUBLE_EQ(plan[0].run.mass, 2.0 / 40);
  EXPECT_EQ(plan[1].run.kind, MaskKind::kSameNumber);
  EXPECT_NE(plan[1].mask, plan[2].mask);
  const PlannedMask& of_third = plan[11];
  EXPECT_EQ(of_third.run.target, 2);
  EXPECT_DOUBLE_EQ(of_third.run.target_mass, 2 / 21.5);
  const auto experts = [&](MaskKind kind) {
    for (const PlannedMask& one : plan) {
      if (one.run.target == 2 && one.run.kind == kind) return one.run.experts;
    }
    return int64_t{0};
  };
  EXPECT_EQ(experts(MaskKind::kSameNumber), 1);
  EXPECT_EQ(experts(MaskKind::kSameMass), 1);
  EXPECT_EQ(experts(MaskKind::kSameTargetMass), 4);  // 4 times 0.5 in the target's documents
  EXPECT_EQ(plan_masks(selected, masses, {MaskKind::kSameNumber}, 2, 1)[1].mask,
            plan_masks(selected, masses, {MaskKind::kSameNumber}, 2, 1)[1].mask);
}

}  // namespace
}  // namespace expertoire
