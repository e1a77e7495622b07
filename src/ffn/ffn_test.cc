// FFN steps of every family against plain loops in double: gathering, blocks of tokens, weights of
// zero, shared experts, odd widths.
#include "ffn/ffn.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <random>

#include "base/half.h"
#include "model/model.h"
#include "support/errors.h"
#include "support/miniature.h"
#include "support/naive_model.h"

namespace expertoire::test {
namespace {

// Rows of random numbers as an FFN takes them.
struct Input {
  Input(const Model& model, const KernelTable& kernels, int64_t tokens, uint32_t seed) {
    const int64_t width = model.config().hidden_size;
    std::mt19937 random(seed);
    std::normal_distribution<double> normal;
    ffn.tokens = tokens;
    ffn.f32 = f32.ensure(Compute::kF32, tokens, width);
    ffn.compute =
        model.compute() == Compute::kF32 ? ffn.f32 : half.ensure(Compute::kBF16, tokens, width);
    for (int64_t t = 0; t < tokens; ++t) {
      auto* row = static_cast<float*>(ffn.f32.row(t));
      for (int64_t i = 0; i < width; ++i) row[i] = static_cast<float>(normal(random));
      rows.emplace_back(row, row + width);
      if (model.compute() == Compute::kF32) continue;
      auto* narrow = static_cast<bf16_t*>(ffn.compute.row(t));
      kernels.f32_to_bf16(row, width, narrow);
      if (width % 2 != 0) narrow[width] = 0;
    }
  }

  FfnInput ffn;
  Matrix rows;
  RowBuffer f32;
  RowBuffer half;
};

// route and mix of one layer onto rows of `start`.
Matrix run(const Model& model, int layer, Executor& executor, const Input& input, Routing& routing,
           float start) {
  const Ffn& ffn = *model.layers()[static_cast<size_t>(layer)].ffn;
  const int64_t width = model.config().hidden_size;
  int router = layer;  // or the last before it, for a layer that shares another's router
  if (model.config().monet.keys > 0) router -= layer % model.config().monet.group;
  const Ffn& deciding = *model.layers()[static_cast<size_t>(router)].ffn;
  if (deciding.routes()) deciding.route(executor, input.ffn, nullptr, routing);
  RowBuffer buffer;
  const Rows out = buffer.ensure(Compute::kF32, input.ffn.tokens, width);
  for (int64_t t = 0; t < input.ffn.tokens; ++t) {
    std::fill_n(static_cast<float*>(out.row(t)), width, start);
  }
  FfnScratch scratch;
  ffn.mix(executor, input.ffn, routing, nullptr, scratch, out);
  Matrix rows;
  for (int64_t t = 0; t < input.ffn.tokens; ++t) {
    const auto* row = static_cast<const float*>(out.row(t));
    rows.emplace_back(row, row + width);
  }
  return rows;
}

// A token's weight of every expert.
Row mixture(const TopKRouting& routing, size_t token) {
  Row weights(static_cast<size_t>(routing.num_experts), 0.0);
  const size_t chosen = static_cast<size_t>(routing.top_k);
  for (size_t i = token * chosen; i < (token + 1) * chosen; ++i) {
    weights[static_cast<size_t>(routing.selected[i])] += static_cast<double>(routing.weights[i]);
  }
  return weights;
}

class FfnTest : public testing::TestWithParam<std::string> {
 protected:
  const Miniature miniature_ = Miniature::random(GetParam(), 6);
};

TEST_P(FfnTest, EveryLayerAddsWhatPlainLoopsSay) {
  const NaiveModel naive(miniature_);
  const std::shared_ptr<const Model> model = miniature_.load();
  for (const KernelTable* kernels : available_kernels()) {
    Executor executor(2, *kernels);
    for (int layer = 0; layer < model->config().num_hidden_layers; ++layer) {
      const Input input(*model, *kernels, 40, 9);
      Routing routing;
      const Matrix got = run(*model, layer, executor, input, routing, 3.0F);
      for (size_t t = 0; t < got.size(); ++t) {
        Row expected = naive.ffn(layer, input.rows[t]);
        for (double& value : expected) value += 3.0;
        const std::vector<float> row(got[t].begin(), got[t].end());
        ASSERT_LE(relative_error(row.data(), expected), 1e-5) << kernels->name << " token " << t;
      }
    }
  }
}

float rounded(float value) { return bf16_to_f32(f32_to_bf16(value)); }

// What bf16 computes with: all weights but those of a top-k layer's routers, which are f32.
Miniature in_bf16(Miniature model) {
  if (model.config["model_type"] == "peer") return model;  // experts as they are stored
  const bool monet = model.config["model_type"] == "monet";
  for (auto& [name, tensor] : model.tensors) {
    const bool router =
        name.ends_with("gate.weight") && name.find("gate_proj") == std::string::npos;
    if ((router && !monet) || name.ends_with(".bias") ||
        name.find(".running_") != std::string::npos) {
      continue;
    }
    for (float& value : tensor.values) value = rounded(value);
  }
  return model;
}

// Same weights, same rounded input, the same choice of experts: what is left is the rounding of the
// activations between two products, 2⁻⁹ each.
TEST_P(FfnTest, Bf16IsThePlainLayerOfRoundedNumbers) {
  NaiveModel naive(in_bf16(miniature_));
  const std::shared_ptr<const Model> model = miniature_.load(Compute::kBF16);
  for (const KernelTable* kernels : available_kernels()) {
    Executor executor(2, *kernels);
    for (int layer = 0; layer < model->config().num_hidden_layers; ++layer) {
      const Input input(*model, *kernels, 40, 9);
      Routing routing;
      const Matrix got = run(*model, layer, executor, input, routing, 0.0F);
      for (size_t t = 0; t < got.size(); ++t) {
        if (const auto* chosen = std::get_if<TopKRouting>(&routing)) {
          naive.set_mixture([chosen, t](int, const Row&) { return mixture(*chosen, t); });
          naive.set_shared(
              [chosen, t](int, double) { return static_cast<double>(chosen->shared_weights[t]); });
        }
        Row x = input.rows[t];
        for (double& value : x) value = static_cast<double>(rounded(static_cast<float>(value)));
        const std::vector<float> row(got[t].begin(), got[t].end());
        const double error = relative_error(row.data(), naive.ffn(layer, x));
        ASSERT_LE(error, 0.01) << kernels->name << " layer " << layer << " token " << t;
        ASSERT_GT(error, 0.0) << "not bf16 at all?";
      }
    }
  }
}

// More tokens than one block of the down product holds, most of them at one expert.
TEST_P(FfnTest, ManyTokensHaveTheBitsOfEachAlone) {
  for (const Compute compute : {Compute::kF32, Compute::kBF16}) {
    const std::shared_ptr<const Model> model = miniature_.load(compute);
    Executor many(3);
    Executor alone(1);
    const int layer = model->config().num_hidden_layers - 1;
    const Input input(*model, many.kernels(), 1100, 10);
    Routing routing;
    const Matrix got = run(*model, layer, many, input, routing, 0.0F);
    for (int64_t t = 0; t < 1100; ++t) {
      if (t % 37 != 0 && t % 512 != 0 && t % 512 != 511) continue;
      Input one(*model, alone.kernels(), 1, 0);
      const int64_t width = model->config().hidden_size;
      std::memcpy(one.ffn.f32.row(0), input.ffn.f32.row(t), static_cast<size_t>(width) * 4);
      if (compute == Compute::kBF16) {
        std::memcpy(one.ffn.compute.row(0), input.ffn.compute.row(t),
                    static_cast<size_t>(width + 1) * 2);
      }
      Routing own;
      ASSERT_EQ(run(*model, layer, alone, one, own, 0.0F)[0], got[static_cast<size_t>(t)]) << t;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, FfnTest, testing::ValuesIn(miniature_names()),
                         [](const auto& info) { return info.param; });

TEST(SparseMoeTest, WeightsOfZeroAreNotComputed) {
  const std::shared_ptr<const Model> model = Miniature::random("olmoe").load();
  Executor executor(2);
  const Input input(*model, executor.kernels(), 5, 1);
  const Ffn& ffn = *model->layers()[0].ffn;
  Routing routing;
  ffn.route(executor, input.ffn, nullptr, routing);
  auto& weights = std::get<TopKRouting>(routing).weights;
  std::fill(weights.begin(), weights.end(), 0.0F);
  RowBuffer buffer;
  const Rows out = buffer.ensure(Compute::kF32, 5, 48);
  for (int64_t t = 0; t < 5; ++t) std::fill_n(static_cast<float*>(out.row(t)), 48, 0.5F);
  FfnScratch scratch;
  ffn.mix(executor, input.ffn, routing, nullptr, scratch, out);
  for (int64_t t = 0; t < 5; ++t) {
    for (int64_t i = 0; i < 48; ++i) EXPECT_EQ(static_cast<float*>(out.row(t))[i], 0.5F);
  }
}

TEST(SparseMoeTest, RouterLogitThatIsNotFiniteNamesTheLayer) {
  const std::shared_ptr<const Model> model = Miniature::random("olmoe").load();
  Executor executor(2);
  const Input input(*model, executor.kernels(), 5, 1);
  static_cast<float*>(input.ffn.f32.row(3))[7] = std::numeric_limits<float>::infinity();
  Routing routing;
  const auto error =
      error_of([&] { model->layers()[1].ffn->route(executor, input.ffn, nullptr, routing); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kNumeric);
  EXPECT_THAT(error->what(), testing::HasSubstr("layer 1"));
}

TEST(SparseMoeTest, WhatEditsMayNameIsKnownOfEveryLayer) {
  const auto layers = Miniature::random("deepseek").load()->config().editable_layers();
  ASSERT_EQ(layers.size(), 5U);
  for (size_t i = 0; i < layers.size(); ++i) {
    const bool sparse = i == 2 || i == 4;
    EXPECT_EQ(layers[i].num_experts, sparse ? 12 : 0) << i;
    EXPECT_EQ(layers[i].top_k, sparse ? 4 : 0) << i;
    EXPECT_EQ(layers[i].has_shared, sparse) << i;
  }
  EXPECT_FALSE(Miniature::random("olmoe").load()->config().editable_layers()[0].has_shared);
}

}  // namespace
}  // namespace expertoire::test
