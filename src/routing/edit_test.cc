// What an edit makes of each layer of a model, and what it refuses.
#include "routing/edit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"

namespace expertoire {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using Item = RoutingEdit::Item;

// A dense layer, two with 6 experts and a shared one, one without shared.
const EditModel kModel = {"tiny_moe", 4, 6};
const std::vector<EditableLayer> kLayers = {
    {0, 0, false}, {6, 2, true}, {6, 2, true}, {6, 2, false}};

std::map<int, LayerEdit> compile(std::vector<Item> items, const EditModel& wanted = {}) {
  return RoutingEdit(wanted, std::move(items)).compile(kModel, kLayers);
}

void expect_refused(const std::vector<Item>& items, const std::string& sentence,
                    const EditModel& wanted = {}) {
  const auto error = error_of([&] { compile(items, wanted); });
  ASSERT_TRUE(error) << sentence;
  EXPECT_EQ(error->code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error->what(), HasSubstr(sentence));
  EXPECT_THAT(error->what(), HasSubstr("applying the routing edit"));
}

TEST(EditCompileTest, NothingCompilesToNothing) {
  EXPECT_TRUE(RoutingEdit().empty());
  EXPECT_THAT(compile({}), IsEmpty());
}

TEST(EditCompileTest, EveryLayerThatHasExperts) {
  const auto edits = compile({{.action = EditAction::kAblate, .experts = {1, 4}}});
  EXPECT_THAT(edits, ElementsAre(Key(1), Key(2), Key(3)));
  EXPECT_THAT(edits.at(3).factor, ElementsAre(1, 0, 1, 1, 0, 1));
  EXPECT_THAT(edits.at(3).rerouted, IsEmpty());
  EXPECT_FALSE(edits.at(3).renormalize_weights);
}

TEST(EditCompileTest, EveryLayerThatHasSharedExperts) {
  const auto edits = compile({{.action = EditAction::kAblate, .shared = true}});
  EXPECT_THAT(edits, ElementsAre(Key(1), Key(2)));
  EXPECT_EQ(edits.at(1).shared_factor, 0.0F);
  EXPECT_THAT(edits.at(1).factor, IsEmpty());
}

TEST(EditCompileTest, FactorsMultiply) {
  const auto edits = compile(
      {{.action = EditAction::kScale, .layers = std::vector{1}, .experts = {0, 1}, .factor = 3.0F},
       {.action = EditAction::kScale, .layers = std::vector{1}, .experts = {1}, .factor = -0.5F},
       {.action = EditAction::kScale, .layers = std::vector{1}, .shared = true, .factor = 4.0F},
       {.action = EditAction::kScale, .layers = std::vector{1}, .shared = true, .factor = 0.25F}});
  EXPECT_THAT(edits, ElementsAre(Key(1)));
  EXPECT_THAT(edits.at(1).factor, ElementsAre(3, -1.5F, 1, 1, 1, 1));
  EXPECT_EQ(edits.at(1).shared_factor, 1.0F);
}

TEST(EditCompileTest, LaterRerouteAndForceReplaceEachOther) {
  const Item reroute{.action = EditAction::kReroute, .layers = std::vector{2}, .experts = {3}};
  const Item force{.action = EditAction::kForce, .layers = std::vector{2}, .experts = {3}};
  const auto forced = compile({reroute, force});
  EXPECT_THAT(forced.at(2).rerouted, ElementsAre(0, 0, 0, 0, 0, 0));
  EXPECT_THAT(forced.at(2).forced, ElementsAre(0, 0, 0, 1, 0, 0));
  const auto rerouted = compile({force, reroute});
  EXPECT_THAT(rerouted.at(2).forced, ElementsAre(0, 0, 0, 0, 0, 0));
  EXPECT_THAT(rerouted.at(2).rerouted, ElementsAre(0, 0, 0, 1, 0, 0));
}

TEST(EditCompileTest, RerouteAndForceEndWhatWasSaidBefore) {
  const Item ablate{.action = EditAction::kAblate, .layers = std::vector{2}, .experts = {3, 4}};
  for (const EditAction action : {EditAction::kReroute, EditAction::kForce}) {
    const Item later{.action = action, .layers = std::vector{2}, .experts = {3}};
    EXPECT_THAT(compile({ablate, later}).at(2).factor, ElementsAre(1, 1, 1, 1, 0, 1));
    EXPECT_THAT(compile({later, ablate}).at(2).factor, ElementsAre(1, 1, 1, 0, 0, 1));
  }
}

TEST(EditCompileTest, ALayerRenormalisesOnceOrNot) {
  const auto item = [](EditAction action, bool renormalize, int layer = 1) {
    return Item{.action = action,
                .layers = std::vector{layer},
                .experts = {0},
                .factor = 2.0F,
                .renormalize = renormalize};
  };
  expect_refused({item(EditAction::kAblate, true), item(EditAction::kScale, false)},
                 "edits of layer 1 with and without renormalize");
  expect_refused({item(EditAction::kReroute, false), item(EditAction::kReroute, true)},
                 "edits of layer 1 with and without renormalize");
  EXPECT_NO_THROW(compile({item(EditAction::kAblate, true), item(EditAction::kReroute, false),
                           item(EditAction::kForce, false), item(EditAction::kScale, false, 2)}));
}

TEST(EditCompileTest, WhatNoLayerHasIsRefused) {
  const auto refused = [](bool shared) {
    return error_of([&] {
      RoutingEdit({}, {{.experts = {0}, .shared = shared}})
          .compile(kModel, {{0, 0, false}, shared ? kLayers[3] : kLayers[0]});
    });
  };
  ASSERT_TRUE(refused(false));
  EXPECT_THAT(refused(false)->what(), HasSubstr("no layer has experts"));
  ASSERT_TRUE(refused(true));
  EXPECT_THAT(refused(true)->what(), HasSubstr("no layer has shared experts"));
  EXPECT_THAT(compile({{.layers = std::vector<int>{}, .experts = {0}}}), IsEmpty()) << "none named";
}

TEST(EditCompileTest, PairsOfKeysAreMarkedWhereTheirFactorIsNotOne) {
  const std::vector<EditableLayer> layers = {
      {.num_experts = 70 * 70, .top_k = 0, .has_shared = false, .keys = 70}};
  const auto edits =
      RoutingEdit({},
                  {{.action = EditAction::kScale, .experts = {0, 69, 70 * 3 + 64}, .factor = 0.5F},
                   {.action = EditAction::kScale, .experts = {0}, .factor = 2}})
          .compile({}, layers);
  const std::vector<uint64_t>& touched = edits.at(0).touched;
  ASSERT_EQ(touched.size(), 140U);
  EXPECT_EQ(touched[0], 0U) << "0.5 · 2 is 1";
  EXPECT_EQ(touched[1], uint64_t{1} << 5);
  EXPECT_EQ(touched[2 * 3 + 1], 1U);
  EXPECT_EQ(std::count(touched.begin(), touched.end(), 0U), 138);
}

TEST(EditCompileTest, RenormalizeBelongsToItsActions) {
  const auto flags = [](EditAction action) {
    const auto edits = compile({{.action = action,
                                 .layers = std::vector{1},
                                 .experts = {0},
                                 .factor = 2.0F,
                                 .renormalize = true}});
    return std::pair{edits.at(1).renormalize_probs, edits.at(1).renormalize_weights};
  };
  EXPECT_EQ(flags(EditAction::kAblate), std::pair(false, true));
  EXPECT_EQ(flags(EditAction::kScale), std::pair(false, true));
  EXPECT_EQ(flags(EditAction::kReroute), std::pair(true, false));
  EXPECT_EQ(flags(EditAction::kForce), std::pair(false, false));
}

TEST(EditCompileTest, ModelMustBeTheOneThatTheFileNames) {
  EXPECT_NO_THROW(compile({}, kModel));
  EXPECT_NO_THROW(compile({}, {"tiny_moe", 0, 0}));
  expect_refused({}, "it was made for model_type olmoe; expected tiny_moe", {"olmoe", 0, 0});
  expect_refused({}, "it was made for 5 layers; expected 4", {"", 5, 0});
  expect_refused({}, "it was made for 64 experts a layer; expected 6", {"", 0, 64});
}

TEST(EditCompileTest, WhatTheModelLacksIsRefused) {
  const auto ablate = [](std::optional<std::vector<int>> layers, std::vector<int> experts,
                         bool shared = false) {
    return Item{.layers = std::move(layers), .experts = std::move(experts), .shared = shared};
  };
  expect_refused({ablate({{4}}, {0})}, "layer 4; expected a layer from 0 to 3");
  expect_refused({ablate({{-1}}, {0})}, "layer -1");
  expect_refused({ablate({{0}}, {0})}, "layer 0 is dense; expected a layer with experts");
  expect_refused({ablate({{1, 3}}, {}, true)}, "layer 3 has no shared experts");
  expect_refused({ablate({{1}}, {6})}, "expert 6 of layer 1; expected an expert from 0 to 5");
  expect_refused({ablate(std::nullopt, {-1})}, "expert -1 of layer 1");
}

TEST(EditCompileTest, SelectionMustStayPossible) {
  const auto item = [](EditAction action, std::vector<int> experts) {
    return Item{.action = action, .layers = std::vector{2}, .experts = std::move(experts)};
  };
  EXPECT_NO_THROW(compile({item(EditAction::kForce, {0, 5})}));
  expect_refused({item(EditAction::kForce, {0, 5}), item(EditAction::kForce, {1})},
                 "3 forced experts in layer 2; expected at most top_k = 2");
  EXPECT_NO_THROW(compile({item(EditAction::kReroute, {0, 1, 2, 3})}));
  expect_refused({item(EditAction::kReroute, {0, 1, 2, 3, 4})},
                 "5 of 6 experts rerouted in layer 2; expected at least top_k = 2 left");
  EXPECT_NO_THROW(compile({item(EditAction::kForce, {0, 5}), item(EditAction::kReroute, {5}),
                           item(EditAction::kForce, {1})}));
}

}  // namespace
}  // namespace expertoire
