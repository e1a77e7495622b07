// Monet's expert layer: single joint experts taken out, against the sum over those that remain.
#include "ffn/monet.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <tuple>

#include "io/safetensors.h"
#include "model/model.h"
#include "support/errors.h"
#include "support/naive_monet.h"
#include "support/shared.h"

namespace expertoire::test {
namespace {

using Item = RoutingEdit::Item;

std::vector<float> floats(const SafetensorsFile& file, const std::string& name) {
  const TensorView& view = file.tensor(name);
  std::vector<float> values(static_cast<size_t>(view.elements()));
  read_f32(view, 0, view.elements(), values.data());
  return values;
}

// Layer 0 on rows x [T, hidden_size] (f32) under an edit.
std::vector<float> run(const Model& model, const KernelTable& kernels, std::vector<float> x,
                       const std::vector<Item>& items) {
  Executor executor(2, kernels);
  const int64_t width = model.config().hidden_size;
  FfnInput input;
  input.tokens = static_cast<int64_t>(x.size()) / width;
  input.f32 = {Compute::kF32, reinterpret_cast<std::byte*>(x.data()), width, width};
  input.compute = input.f32;
  const auto edits =
      RoutingEdit({}, items).compile(model.config().edit_model(), model.config().editable_layers());
  const LayerEdit* edit = edits.contains(0) ? &edits.at(0) : nullptr;
  Routing routing;
  FfnScratch scratch;
  std::vector<float> out(x.size(), 0.0F);
  const Ffn& ffn = *model.layers()[0].ffn;
  ffn.route(executor, input, edit, routing);
  ffn.mix(executor, input, routing, edit, scratch,
          {Compute::kF32, reinterpret_cast<std::byte*>(out.data()), width, width});
  return out;
}

class MaskGoldenTest : public testing::TestWithParam<std::tuple<const char*, const KernelTable*>> {
};

TEST_P(MaskGoldenTest, WhatRemainsIsTheSumOverTheRemainingExperts) {
  const auto& [name, kernels] = GetParam();
  EXPERTOIRE_NEEDS_SHARED(std::string("goldens/monet/") + name);
  const std::string folder = shared_folder() + "/goldens/monet/" + name;
  const auto model = Model::load(folder, {Compute::kF32, true, 1, {}});
  const SafetensorsFile masks = SafetensorsFile::open(folder + "/masks.safetensors");
  for (const char* mask : {"none", "few", "row", "random"}) {
    std::vector<Item> items(mask == std::string("none") ? 0 : 1);
    if (!items.empty()) {
      const TensorView& pairs = masks.tensor(std::string("mask.") + mask);
      std::vector<int32_t> ids(static_cast<size_t>(pairs.elements()));
      std::memcpy(ids.data(), pairs.data, pairs.bytes);
      for (size_t p = 0; p < ids.size(); p += 2) {
        items[0].experts.push_back(ids[p] * model->config().monet.keys + ids[p + 1]);
      }
    }
    const std::vector<float> got = run(*model, *kernels, floats(masks, "x"), items);
    const std::vector<float> expected = floats(masks, std::string("y.") + mask);
    ASSERT_LE(relative_error(got.data(), Row(expected.begin(), expected.end())), 1e-5) << mask;
  }
}

INSTANTIATE_TEST_SUITE_P(Shared, MaskGoldenTest,
                         testing::Combine(testing::Values("monet-vd-16", "monet-hd-16"),
                                          testing::ValuesIn(available_kernels())),
                         [](const auto& info) {
                           const std::string name = std::get<0>(info.param);
                           return name.substr(6, 2) + "_" +
                                  std::string(std::get<1>(info.param)->name);
                         });

class MonetEditTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    miniature_ = Miniature::random(GetParam(), 3);
    model_ = miniature_.load();
    std::mt19937 random(5);
    std::normal_distribution<float> normal;
    x_.resize(static_cast<size_t>(model_->config().hidden_size) * 20);
    for (float& value : x_) value = normal(random);
  }

  void expect(const std::vector<Item>& items, const JointFactor& factor, double scale_of = 0) {
    const std::vector<float> got = run(*model_, default_kernels(), x_, items);
    const size_t width = static_cast<size_t>(model_->config().hidden_size);
    for (size_t t = 0; t < 20; ++t) {
      const Row x(x_.begin() + static_cast<std::ptrdiff_t>(t * width),
                  x_.begin() + static_cast<std::ptrdiff_t>((t + 1) * width));
      Row expected = naive_monet(miniature_, 0, x, x, factor);
      if (scale_of > 0) {
        for (double& value : expected) value *= scale_of / kept(x, factor);
      }
      ASSERT_LE(relative_error(got.data() + t * width, expected), 1e-5) << "token " << t;
    }
  }

  // Σ of the joint scores times their factors.
  double kept(const Row& x, const JointFactor& factor) const {
    const Matrix g1 = naive_monet_scores(miniature_, 0, 0, x);
    const Matrix g2 = naive_monet_scores(miniature_, 0, 1, x);
    double sum = 0;
    for (size_t h = 0; h < g1.size(); ++h) {
      for (int i = 0; i < keys(); ++i) {
        for (int j = 0; j < keys(); ++j) {
          sum += g1[h][static_cast<size_t>(i)] * g2[h][static_cast<size_t>(j)] * factor(i, j);
        }
      }
    }
    return sum;
  }

  int keys() const { return model_->config().monet.keys; }

  // A third of all pairs.
  bool named(int i, int j) const { return (i * 31 + j * 17) % 3 == 0; }
  Item item(EditAction action, float factor = 1.0F) const {
    Item item{.action = action, .factor = factor};
    for (int id = 0; id < keys() * keys(); ++id) {
      if (named(id / keys(), id % keys())) item.experts.push_back(id);
    }
    return item;
  }

  Miniature miniature_;
  std::shared_ptr<const Model> model_;
  std::vector<float> x_;
};

TEST_P(MonetEditTest, AblatedExpertsAreLeftOut) {
  expect({item(EditAction::kAblate)}, [&](int i, int j) { return named(i, j) ? 0.0 : 1.0; });
}

TEST_P(MonetEditTest, FactorsMultiply) {
  expect({item(EditAction::kScale, -1.5F), item(EditAction::kScale, 2.0F)},
         [&](int i, int j) { return named(i, j) ? -3.0 : 1.0; });
}

TEST_P(MonetEditTest, RenormalisedScoresAddUpToTheNumberOfHeads) {
  Item ablated = item(EditAction::kAblate);
  ablated.renormalize = true;
  expect(
      {ablated}, [&](int i, int j) { return named(i, j) ? 0.0 : 1.0; },
      model_->config().monet.heads);
}

TEST_P(MonetEditTest, KeysAreNeitherReroutedNorForcedByPairs) {
  for (const EditAction action : {EditAction::kReroute, EditAction::kForce}) {
    const auto error = error_of([&] { run(*model_, default_kernels(), x_, {item(action)}); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), ErrorCode::kInvalidArgument);
  }
}

INSTANTIATE_TEST_SUITE_P(Families, MonetEditTest, testing::Values("monet_hd", "monet_vd"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace expertoire::test
