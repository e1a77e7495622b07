// The kernels on kept keys against plain operators on all keys: losses, gradients, statistics.
#include <gtest/gtest.h>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randint.h>

#include <nlohmann/json.hpp>

#include "train/torch/decoder.h"

namespace expertoire::train {
namespace {

struct Case {
  const char* kind;
  const char* norm;
  int dim;
};

class MonetForms : public ::testing::TestWithParam<Case> {};

ModelShape shape_of(const Case& now) {
  return parse_model_shape({{"kind", now.kind},
                            {"vocab_size", 40},
                            {"hidden_size", 16},
                            {"num_hidden_layers", 3},
                            {"num_attention_heads", 2},
                            {"num_key_value_heads", 1},
                            {"tie_word_embeddings", true},
                            {"moe_experts", 24},
                            {"moe_topk", 5},
                            {"moe_heads", 3},
                            {"moe_dim", now.dim},
                            {"moe_groups", 2},
                            {"moe_router_norm", now.norm},
                            {"initializer_range", 0.3},
                            {"lambda_unif", 0.5},
                            {"lambda_amb", 0.25}},
                           "the test");
}

struct Result {
  Losses losses;
  Parameters parameters;
  Pass pass;

  Result(const ModelShape& shape, bool dense) : parameters(3, at::kDouble) {
    const Decoder decoder(shape, parameters);
    pass.dense = dense;
    const Tensor ids = at::randint(40, {3, 13}, at::detail::createCPUGenerator(5), at::kLong);
    losses = decoder.losses(ids, pass);
    losses.at("total").backward();
  }
};

double distance(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }

TEST_P(MonetForms, KeptEqualsDense) {
  const ModelShape shape = shape_of(GetParam());
  const Result kept(shape, false);
  const Result dense(shape, true);
  for (const auto& [name, loss] : dense.losses) {
    EXPECT_NEAR(kept.losses.at(name).item<double>(), loss.item<double>(), 1e-12) << name;
  }
  for (const Parameter& parameter : dense.parameters.all()) {
    const Tensor& other = kept.parameters.at(parameter.name);
    EXPECT_LT(distance(other, parameter.tensor), 1e-12) << parameter.name;
    if (!parameter.learned) continue;
    const Tensor& gradient = parameter.tensor.grad();
    EXPECT_GT(gradient.abs().max().item<double>(), 1e-7) << parameter.name;
    EXPECT_LT(distance(other.grad(), gradient), 1e-12) << parameter.name;
  }
}

TEST_P(MonetForms, CountTheSameUse) {
  const ModelShape shape = shape_of(GetParam());
  const Result kept(shape, false);
  const Result dense(shape, true);
  ASSERT_EQ(kept.pass.use.size(), 2U);
  for (size_t layer = 0; layer < 2; ++layer) {
    for (size_t side = 0; side < 2; ++side) {
      EXPECT_EQ(kept.pass.use[layer].survivors[side], dense.pass.use[layer].survivors[side]);
      EXPECT_TRUE(kept.pass.use[layer].tokens_of_key[side].equal(
          dense.pass.use[layer].tokens_of_key[side]));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, MonetForms,
                         ::testing::Values(Case{"monet_hd", "head", 3}, Case{"monet_hd", "key", 8},
                                           Case{"monet_vd", "head", 8}, Case{"monet_vd", "key", 6},
                                           Case{"monet_vd", "key", 4}));

}  // namespace
}  // namespace expertoire::train
