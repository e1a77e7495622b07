// What becomes of a model under edit apply, and what edits say beside each other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "analysis/apply_edit.h"
#include "analysis/compare_edits.h"
#include "engine/capture.h"
#include "io/json.h"
#include "model/family/family.h"
#include "model/own_edit.h"
#include "support/errors.h"
#include "support/miniature.h"

namespace expertoire {
namespace {

using test::error_of;
using test::Miniature;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Item = RoutingEdit::Item;

const std::vector<int32_t> kText = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9};

// A model on disk, and where its edited form goes.
class Folders {
 public:
  explicit Folders(const std::string& name) : miniature_(Miniature::random(name)) {
    std::filesystem::create_directory(dir_.file("in"));
    miniature_.write(dir_.file("in"));
    dir_.write("in/tokenizer_config.json", "{}");
    dir_.write("in/calibration.safetensors", "fitted to the model as it was");
  }
  std::string in() const { return dir_.file("in"); }
  std::string out() const { return dir_.file("out"); }
  ModelConfig config(const std::string& folder) const {
    return parse_config(read_json_file(folder + "/config.json"), folder);
  }
  std::vector<std::string> written() const { return names(out()); }

 private:
  static std::vector<std::string> names(const std::string& folder) {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      all.push_back(entry.path().filename().string());
    }
    std::ranges::sort(all);
    return all;
  }
  test::TempDir dir_;
  Miniature miniature_;
};

// The last hidden state of every token of kText.
std::vector<float> outputs(const std::string& folder, const RoutingEdit& edit = {}) {
  Session session(Model::load(folder, {.lm_head = false}), {.threads = 1});
  session.set_edit(edit);
  Capture capture({"final_norm"});
  capture.run(session, {&kText, 1});
  const CapturedTensor& tensor = capture.tensors().at("final_norm");
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

class ApplyEditTest : public testing::TestWithParam<std::string> {
 protected:
  ApplyEditTest() : folders_(GetParam()), config_(folders_.config(folders_.in())) {}

  int layer() const { return config_.routing_layers().back(); }
  Folders folders_;
  ModelConfig config_;
};

TEST_P(ApplyEditTest, AblatedAndScaledExpertsAreInTheWeights) {
  const RoutingEdit edit(
      {}, {{.action = EditAction::kAblate, .layers = std::vector{layer()}, .experts = {0, 2}},
           {.action = EditAction::kScale, .experts = {1}, .factor = 0.5F}});
  const AppliedEdit done = apply_edit(folders_.in(), edit, folders_.out());
  EXPECT_EQ(done.obstacle, "");
  EXPECT_EQ(done.experts_zeroed, 2);
  EXPECT_EQ(done.experts_scaled, static_cast<int64_t>(config_.routing_layers().size()));
  EXPECT_EQ(done.parameters_after, done.parameters_before);
  EXPECT_THAT(folders_.written(),
              ElementsAre("config.json", "model.safetensors", "tokenizer_config.json"));
  // Halves and zeros are exact, so are their products.
  EXPECT_EQ(outputs(folders_.out()), outputs(folders_.in(), edit));
  EXPECT_NE(outputs(folders_.out()), outputs(folders_.in()));
}

TEST_P(ApplyEditTest, ReroutedExpertsAreGone) {
  std::vector<Item> items;
  for (int layer : config_.routing_layers()) {
    items.push_back({.action = EditAction::kReroute,
                     .layers = std::vector{layer},
                     .experts = {layer % 2, 3},
                     .renormalize = true});
  }
  const RoutingEdit edit({}, items);
  const AppliedEdit done = apply_edit(folders_.in(), edit, folders_.out());
  EXPECT_EQ(done.obstacle, "");
  EXPECT_EQ(done.experts_removed, 2);
  EXPECT_EQ(folders_.config(folders_.out()).num_experts, config_.num_experts - 2);
  EXPECT_EQ(folders_.config(folders_.out()).parameters(), done.parameters_after);
  EXPECT_LT(done.parameters_after, done.parameters_before);
  const std::vector<float> now = outputs(folders_.out()), wanted = outputs(folders_.in(), edit);
  ASSERT_EQ(now.size(), wanted.size());
  for (size_t i = 0; i < now.size(); ++i) EXPECT_NEAR(now[i], wanted[i], 1e-5F) << i;
}

TEST_P(ApplyEditTest, WhatWeightsCannotSayTravelsBesideThem) {
  const std::vector<RoutingEdit> edits = {
      RoutingEdit({},
                  {{.action = EditAction::kForce, .layers = std::vector{layer()}, .experts = {1}}}),
      RoutingEdit({}, {{.action = EditAction::kAblate, .experts = {1}, .renormalize = true}}),
      RoutingEdit({}, {{.action = EditAction::kReroute,
                        .layers = std::vector{layer()},
                        .experts = {1, 2},
                        .renormalize = true}})};
  const char* reasons[] = {"forces", "renormalises", "would lose"};
  const size_t cases = config_.routing_layers().size() > 1 ? 3 : 2;
  for (size_t i = 0; i < cases; ++i) {
    const AppliedEdit done = apply_edit(folders_.in(), edits[i], folders_.out());
    EXPECT_THAT(done.obstacle, HasSubstr(reasons[i]));
    EXPECT_THAT(folders_.written(), SizeIs(4));
    EXPECT_EQ(outputs(folders_.out()), outputs(folders_.in(), edits[i])) << reasons[i];
    std::filesystem::remove_all(folders_.out());
  }
}

INSTANTIATE_TEST_SUITE_P(Families, ApplyEditTest, testing::ValuesIn(test::top_k_miniature_names()));

TEST(ApplyEditOfMonetTest, JointExpertsTravelInAFileAndOtherEditsComeOnTop) {
  const Folders folders("monet_vd");
  std::vector<int> ids(40);
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int>(3 * i);
  const RoutingEdit first({}, {{.action = EditAction::kAblate, .experts = ids}});
  const RoutingEdit second({}, {{.action = EditAction::kScale, .experts = {1, 2}, .factor = 3}});
  const AppliedEdit done = apply_edit(folders.in(), first, folders.out());
  EXPECT_THAT(done.obstacle, HasSubstr("one expert alone"));
  EXPECT_EQ(outputs(folders.out()), outputs(folders.in(), first));
  EXPECT_EQ(outputs(folders.out(), second), outputs(folders.in(), first.then(second)));
  EXPECT_NE(Model::load(folders.in(), {})->weights_sample(),
            Model::load(folders.out(), {})->weights_sample());
  const std::string twice = folders.out() + "2";
  apply_edit(folders.out(), second, twice);
  EXPECT_EQ(outputs(twice), outputs(folders.in(), first.then(second)));
  EXPECT_THAT(read_own_edit(twice).items(), SizeIs(2));
}

TEST(ApplyEditRefusalTest, NothingIsWritten) {
  const Folders folders("mixtral");
  const auto absent = error_of(
      [&] { apply_edit(folders.in(), RoutingEdit({}, {{.experts = {1000}}}), folders.out()); });
  ASSERT_TRUE(absent);
  EXPECT_EQ(absent->code(), ErrorCode::kInvalidArgument);
  EXPECT_FALSE(std::filesystem::exists(folders.out()));
  const auto there = error_of([&] { apply_edit(folders.in(), {}, folders.in()); });
  ASSERT_TRUE(there);
  EXPECT_THAT(there->what(), HasSubstr("it exists"));
}

class CompareEditsTest : public testing::Test {
 protected:
  const ModelConfig config_ = parse_config(test::miniature_config("mixtral"), "mixtral");
  const int last_ = config_.num_experts - 1;
};

TEST_F(CompareEditsTest, CountsWhatALayerLoses) {
  const auto counts = count_edits(
      RoutingEdit(
          {},
          {{.action = EditAction::kReroute, .layers = std::vector{0}, .experts = {1}},
           {.action = EditAction::kAblate, .layers = std::vector{1}, .experts = {0, 2}},
           {.action = EditAction::kScale, .layers = std::vector{1}, .experts = {1}, .factor = 2}}),
      config_);
  ASSERT_THAT(counts, SizeIs(2));
  EXPECT_EQ(counts.at(0).rerouted, 1);
  EXPECT_EQ(counts.at(1).ablated, 2);
  EXPECT_EQ(counts.at(1).scaled, 1);
}

TEST_F(CompareEditsTest, TheInverseOfTheInverseIsTheEdit) {
  const RoutingEdit edit(
      {}, {{.action = EditAction::kAblate, .layers = std::vector{1}, .experts = {0, last_}}});
  const RoutingEdit inverse = invert_edit(edit, config_);
  ASSERT_THAT(inverse.items(), SizeIs(1));
  EXPECT_THAT(inverse.items()[0].experts, SizeIs(config_.num_experts - 2));
  EXPECT_THAT(inverse.items()[0].experts, testing::Not(testing::Contains(0)));
  const auto found = compare_edits(invert_edit(inverse, config_), edit, config_);
  EXPECT_EQ(found.at(1).alike, 2);
  EXPECT_THAT(found.at(1).only_first, IsEmpty());
  EXPECT_THAT(found.at(1).only_second, IsEmpty());
}

TEST_F(CompareEditsTest, SomeEditsHaveNoInverse) {
  for (const Item& item : std::vector<Item>{
           {.action = EditAction::kScale, .experts = {1}, .factor = 2},
           {.action = EditAction::kForce, .experts = {1}},
           {.action = EditAction::kReroute, .experts = {1}}}) {  // top_k would not be left
    const auto error = error_of([&] { invert_edit(RoutingEdit({}, {item}), config_); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), ErrorCode::kInvalidArgument);
  }
}

TEST_F(CompareEditsTest, DifferencesAreToldExpertByExpert) {
  const RoutingEdit first({}, {{.layers = std::vector{0}, .experts = {0, 1, 2}}});
  const RoutingEdit second(
      {}, {{.layers = std::vector{0}, .experts = {1, 3}},
           {.action = EditAction::kScale, .layers = std::vector{0}, .experts = {2}, .factor = 4}});
  const auto found = compare_edits(first, second, config_);
  EXPECT_THAT(found.at(0).only_first, ElementsAre(0));
  EXPECT_THAT(found.at(0).only_second, ElementsAre(3));
  EXPECT_THAT(found.at(0).otherwise, ElementsAre(2));
  EXPECT_EQ(found.at(0).alike, 1);
}

}  // namespace
}  // namespace expertoire
