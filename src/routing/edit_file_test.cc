// The file format of RoutingEdit: round trips, and a sentence for everything that it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "routing/edit.h"
#include "support/errors.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

using nlohmann::json;
using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

json file_with(json edits) {
  return {{"format", "expertoire.routing_edit"}, {"version", 1}, {"edits", std::move(edits)}};
}

RoutingEdit parse(const json& file) { return RoutingEdit::parse(file.dump(), "e.json"); }

TEST(EditFileTest, EveryActionIsRead) {
  const RoutingEdit edit = parse(file_with(
      {{{"action", "ablate"}, {"layers", "all"}, {"experts", {3, 1}}, {"comment", "why"}},
       {{"action", "reroute"}, {"layers", {0, 2}}, {"experts", {7}}, {"renormalize", true}},
       {{"action", "scale"}, {"experts", "shared"}, {"factor", -0.5}},
       {{"action", "force"}, {"layers", {1}}, {"experts", {0}}, {"renormalize", false}}}));
  ASSERT_EQ(edit.items().size(), 4U);
  EXPECT_FALSE(edit.empty());
  EXPECT_EQ(edit.items()[0].action, EditAction::kAblate);
  EXPECT_FALSE(edit.items()[0].layers);
  EXPECT_THAT(edit.items()[0].experts, ElementsAre(3, 1));
  EXPECT_FALSE(edit.items()[0].renormalize);
  EXPECT_EQ(edit.items()[1].action, EditAction::kReroute);
  EXPECT_THAT(*edit.items()[1].layers, ElementsAre(0, 2));
  EXPECT_TRUE(edit.items()[1].renormalize);
  EXPECT_EQ(edit.items()[2].action, EditAction::kScale);
  EXPECT_TRUE(edit.items()[2].shared);
  EXPECT_EQ(edit.items()[2].factor, -0.5F);
  EXPECT_EQ(edit.items()[3].action, EditAction::kForce);
  EXPECT_EQ(edit.model().model_type, "");
}

TEST(EditFileTest, ModelIsReadAndMayBePartial) {
  json file = file_with(json::array());
  file["model"] = {{"model_type", "olmoe"}, {"num_experts", 64}};
  const RoutingEdit edit = parse(file);
  EXPECT_TRUE(edit.empty());
  EXPECT_EQ(edit.model().model_type, "olmoe");
  EXPECT_EQ(edit.model().num_hidden_layers, 0);
  EXPECT_EQ(edit.model().num_experts, 64);
}

TEST(EditFileTest, RoundTrip) {
  const RoutingEdit edit(
      {"olmoe", 16, 64},
      {{.action = EditAction::kAblate, .experts = {1, 2}, .renormalize = true},
       {.action = EditAction::kReroute, .layers = std::vector{0, 5}, .experts = {63}},
       {.action = EditAction::kScale, .shared = true, .factor = 0.1F},
       {.action = EditAction::kForce, .layers = std::vector{3}, .experts = {4}}});
  const std::string text = edit.to_json();
  const RoutingEdit again = RoutingEdit::parse(text, "e.json");
  EXPECT_EQ(again.to_json(), text);
  ASSERT_EQ(again.items().size(), edit.items().size());
  for (size_t i = 0; i < edit.items().size(); ++i) {
    EXPECT_EQ(again.items()[i].action, edit.items()[i].action);
    EXPECT_EQ(again.items()[i].layers, edit.items()[i].layers);
    EXPECT_EQ(again.items()[i].experts, edit.items()[i].experts);
    EXPECT_EQ(again.items()[i].shared, edit.items()[i].shared);
    EXPECT_EQ(again.items()[i].factor, edit.items()[i].factor) << "the same float";
    EXPECT_EQ(again.items()[i].renormalize, edit.items()[i].renormalize);
  }
  EXPECT_EQ(again.model().num_hidden_layers, 16);
  const test::TempDir folder;
  EXPECT_EQ(RoutingEdit::load(folder.write("e.json", text)).to_json(), text);
}

struct Refused {
  const char* name;
  json file;
  const char* found;
  const char* expected = "";
};

json one(json edit) { return file_with(json::array({std::move(edit)})); }

json changed(const char* key, json value) {
  json file = file_with(json::array());
  file[key] = std::move(value);
  return file;
}

std::vector<Refused> refused_files() {
  const json good = {{"action", "ablate"}, {"experts", {0}}};
  const auto with = [&](const char* key, json value) {
    json edit = good;
    edit[key] = std::move(value);
    return one(edit);
  };
  return {
      {"NoObject", json::array(), "the file is []", "an object"},
      {"NoFormat", json::object(), "expertoire.routing_edit"},
      {"OtherFormat", changed("format", "lora"), "expertoire.routing_edit"},
      {"UnknownKey", changed("edit", 1), "unknown key \"edit\" in the file", "edits"},
      {"NoEdits", changed("edits", nullptr), "\"edits\" is null", "a list"},
      {"EditNoObject", file_with({1}), "edit 0 is 1", "an object"},
      {"UnknownEditKey", with("layer", 1), "unknown key \"layer\" in edit 0", "layers"},
      {"UnknownAction", with("action", "mute"), "action \"mute\" in edit 0", "reroute"},
      {"NoAction", one({{"experts", {0}}}), "action null in edit 0"},
      {"NoExperts", one({{"action", "ablate"}}), "\"experts\" in edit 0 is null"},
      {"EmptyExperts", with("experts", json::array()), "\"experts\" in edit 0"},
      {"NegativeExpert", with("experts", {-1}), "an entry of \"experts\" in edit 0 is -1"},
      {"HugeExpert", with("experts", {1e300}), "an entry of \"experts\" in edit 0"},
      {"FractionalExpert", with("experts", {0.5}), "is 0.5", "a whole number"},
      {"UnsignedOverflow", with("experts", {18446744073709551615U}), "18446744073709551615"},
      {"LayersWord", with("layers", "every"), "\"layers\" in edit 0"},
      {"EmptyLayers", with("layers", json::array()), "\"layers\" in edit 0"},
      {"FactorWithoutScale", with("factor", 2), "edit 0 has a factor", "only with \"scale\""},
      {"ScaleWithoutFactor", with("action", "scale"), "factor null in edit 0", "a 32-bit float"},
      {"HugeFactor", one({{"action", "scale"}, {"experts", {0}}, {"factor", 1e39}}),
       "factor 1e+39 in edit 0"},
      {"RenormalizeNumber", with("renormalize", 1), "\"renormalize\" in edit 0 is 1",
       "true or false"},
      {"RerouteShared", one({{"action", "reroute"}, {"experts", "shared"}}),
       "edit 0 reroutes or forces the shared experts", "no router chooses them"},
      {"ForceShared", one({{"action", "force"}, {"experts", "shared"}}), "the shared experts"},
      {"ModelNoObject", changed("model", "olmoe"), "\"model\" is \"olmoe\"", "an object"},
      {"ModelTypeNumber", changed("model", {{"model_type", 3}}), "model_type is 3", "a string"},
      {"ModelUnknownKey", changed("model", {{"layers", 3}}), "unknown key \"layers\""},
      {"ModelExpertsText", changed("model", {{"num_experts", "8"}}), "num_experts is \"8\""},
  };
}

class RefusedEditTest : public testing::TestWithParam<Refused> {};

TEST_P(RefusedEditTest, SaysWhatItFound) {
  const auto error = error_of([] { parse(GetParam().file); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kBadFile);
  EXPECT_THAT(error->what(), HasSubstr("reading e.json"));
  EXPECT_THAT(error->what(), HasSubstr(GetParam().found));
  EXPECT_THAT(error->what(), HasSubstr(GetParam().expected));
}

INSTANTIATE_TEST_SUITE_P(All, RefusedEditTest, testing::ValuesIn(refused_files()),
                         [](const auto& info) { return info.param.name; });

TEST(EditFileTest, OtherVersionIsUnsupported) {
  const auto error = error_of([] { parse(changed("version", 2)); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error->what(), HasSubstr("version 2; expected version 1"));
}

TEST(EditFileTest, TextThatIsNoJsonIsABadFile) {
  const auto error = error_of([] { RoutingEdit::parse("{\"format\": ", "e.json"); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kBadFile);
}

TEST(EditFileTest, MissingFileIsNotFound) {
  const test::TempDir folder;
  const auto error = error_of([&] { RoutingEdit::load(folder.file("none.json")); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace expertoire
