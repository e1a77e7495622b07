// NaN and infinity are reported with where they come from, and never passed on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "engine/session.h"
#include "support/errors.h"
#include "support/tiny_model.h"

namespace expertoire {
namespace {

using test::error_of;
using test::TempDir;
using test::TinyModel;
using ::testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

void expect_numeric(const std::optional<Error>& error, const std::string& words) {
  ASSERT_TRUE(error) << "nothing was noticed; expected " << words;
  EXPECT_EQ(error->code(), ErrorCode::kNumeric) << error->what();
  EXPECT_THAT(error->what(), HasSubstr(words));
}

// Runs one text, and its logits, at every SIMD level and in both compute types.
void expect_numeric_at_work(const TinyModel& tiny, const std::string& words,
                            const std::vector<int32_t>& ids = {1, 2, 3}) {
  const TempDir dir;
  const std::string folder = tiny.write(dir);
  for (const Compute compute : {Compute::kF32, Compute::kBF16}) {
    const auto model = Model::load(folder, {.compute = compute, .threads = 2});
    for (const KernelTable* kernels : available_kernels()) {
      SCOPED_TRACE(std::string(kernels->name) + " " + std::string(compute_name(compute)));
      Session session(model, {2, kernels});
      const std::span<const int32_t> text = ids;
      expect_numeric(error_of([&] {
                       session.forward_once({&text, 1});
                       std::vector<float> logits(TinyModel::kVocab);
                       const int64_t row = session.decoder().last_row(0);
                       session.decoder().logits({&row, 1}, logits.data());
                     }),
                     words);
    }
  }
}

void fill(std::vector<float>& values, float value) {
  std::fill(values.begin(), values.end(), value);
}

TEST(NumericTest, AWeightThatIsNoNumberIsNamedWithItsLayer) {
  const std::vector<std::string> names = {"1.mlp.experts.1.gate_proj.weight",
                                          "1.mlp.experts.1.up_proj.weight",
                                          "1.mlp.experts.0.down_proj.weight",
                                          "1.mlp.gate.weight",
                                          "0.self_attn.k_proj.weight",
                                          "1.self_attn.v_proj.weight",
                                          "0.self_attn.q_norm.weight",
                                          "1.input_layernorm.weight",
                                          "model.norm.weight",
                                          "lm_head.weight"};
  for (const std::string& name : names) {
    TinyModel tiny;
    tiny.at(name).back() = name.size() % 2 == 0 ? kNan : -kInfinity;
    for (const DType dtype : {DType::kF32, DType::kBF16, DType::kF16}) {
      const TempDir dir;
      const std::string folder = tiny.write(dir, dtype);
      for (const Compute compute : {Compute::kF32, Compute::kBF16}) {
        expect_numeric(error_of([&] { Model::load(folder, {.compute = compute}); }), name);
      }
    }
  }
}

TEST(NumericTest, ASoundModelRuns) {
  const TempDir dir;
  const auto model = Model::load(TinyModel().write(dir), {});
  Session session(model);
  const std::vector<int32_t> ids = {1, 2, 3};
  const std::span<const int32_t> text = ids;
  EXPECT_NO_THROW(session.forward_once({&text, 1}));
}

TEST(NumericTest, AnEmbeddingIsNotedWhenItIsUsed) {
  TinyModel tiny;
  tiny.at("model.embed_tokens.weight")[3 * TinyModel::kHidden + 2] = kNan;
  expect_numeric_at_work(tiny, "embedding the tokens");
  // Texts without that token run, before and after.
  const TempDir dir;
  const auto model = Model::load(tiny.write(dir), {});
  Session session(model);
  const std::vector<int32_t> good = {1, 2};
  const std::vector<int32_t> bad = {1, 3};
  const std::span<const int32_t> texts[] = {good, bad};
  const auto last_hidden = [&] {
    session.forward_once({texts, 1});
    const float* row = session.decoder().hidden(1);
    return std::vector<float>(row, row + TinyModel::kHidden);
  };
  const std::vector<float> before = last_hidden();
  expect_numeric(error_of([&] { session.forward_once(texts); }), "embedding the tokens");
  EXPECT_EQ(last_hidden(), before);
}

TEST(NumericTest, AnOverflowNamesItsLayer) {
  for (const std::string layer : {"0", "1"}) {
    for (const std::string weight :
         {".self_attn.o_proj.weight", ".mlp.experts.0.down_proj.weight"}) {
      TinyModel tiny;
      fill(tiny.at(layer + weight), 3e38F);
      fill(tiny.at(layer + ".self_attn.v_proj.weight"), 1e4F);
      fill(tiny.at(layer + ".mlp.experts.0.up_proj.weight"), 1e4F);
      expect_numeric_at_work(tiny, "running layer " + layer);
    }
  }
}

// A norm would make zeros of it, and the rest of the model ordinary numbers of those.
TEST(NumericTest, WhatIsTooLargeToSquareIsAnOverflow) {
  for (const std::string layer : {"0", "1"}) {
    TinyModel tiny;
    fill(tiny.at(layer + ".mlp.experts.1.down_proj.weight"), 1e25F);
    expect_numeric_at_work(tiny, "running layer " + layer);
  }
}

TEST(NumericTest, NormsOfQueriesDoNotHideAnOverflow) {
  for (const char* part : {"q", "k", "v"}) {
    TinyModel tiny;
    fill(tiny.at(std::string("1.self_attn.") + part + "_proj.weight"), 1e30F);
    expect_numeric_at_work(tiny, "attention of layer 1");
  }
}

TEST(NumericTest, RoutersAndTheHeadSayWhoTheyAre) {
  TinyModel router;
  fill(router.at("1.mlp.gate.weight"), 3e38F);
  for (size_t i = 0; i < TinyModel::kHidden; ++i) {
    router.at("1.post_attention_layernorm.weight")[i] = i % 2 == 0 ? 1e4F : -1e4F;
  }
  expect_numeric_at_work(router, "routing in layer 1");
  TinyModel head;
  fill(head.at("lm_head.weight"), 3e38F);
  fill(head.at("model.norm.weight"), 1e4F);
  expect_numeric_at_work(head, "computing logits");
}

}  // namespace
}  // namespace expertoire
