#include "analysis/expert_weights.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

#include "analysis/layer_tensors.h"
#include "analysis/logit_effect.h"
#include "support/errors.h"
#include "support/miniature.h"

namespace expertoire {
namespace {

using test::Miniature;
using test::MiniatureTensor;

#ifdef EXPERTOIRE_SANITIZED
constexpr int kDraws = 10000;
#else
constexpr int kDraws = 60000;
#endif

// A miniature on disk, and its experts as plain loops over its tensors.
class Folder {
 public:
  explicit Folder(const std::string& name) : model_(Miniature::random(name)) {
    model_.write(dir_.path());
    config_ = parse_config(model_.config, "config.json");
    checkpoint_.emplace(Checkpoint::open(dir_.path()));
  }

  const ModelConfig& config() const { return config_; }
  const Checkpoint& checkpoint() const { return *checkpoint_; }
  const MiniatureTensor& at(int layer, const std::string& name) const {
    return model_.tensors.at("model.layers." + std::to_string(layer) + "." + name);
  }

  // E(x), x = w · z, of one layer.
  std::vector<double> output(int layer, int64_t expert, const std::vector<double>& z) const {
    std::vector<double> x = z;
    const MiniatureTensor& norm = at(layer, "post_attention_layernorm.weight");
    for (size_t k = 0; k < x.size(); ++k) x[k] *= norm.values[k];
    if (config_.monet.keys > 0) return monet(layer, expert, x);
    return config_.peer.keys > 0 ? peer(layer, expert, x) : swiglu(layer, expert, x);
  }

 private:
  static double dot(const float* row, const std::vector<double>& x) {
    return std::inner_product(x.begin(), x.end(), row, 0.0);
  }

  std::vector<double> swiglu(int layer, int64_t e, const std::vector<double>& x) const {
    const std::string expert = "mlp.experts." + std::to_string(e) + ".";
    const MiniatureTensor &gate = at(layer, expert + "gate_proj.weight"),
                          &up = at(layer, expert + "up_proj.weight"),
                          &down = at(layer, expert + "down_proj.weight");
    std::vector<double> y(x.size());
    for (int64_t m = 0; m < gate.shape[0]; ++m) {
      const double g = dot(gate.row(m), x);
      const double active = g / (1 + std::exp(-g)) * dot(up.row(m), x);
      for (size_t o = 0; o < y.size(); ++o) y[o] += down.row(static_cast<int64_t>(o))[m] * active;
    }
    return y;
  }

  std::vector<double> peer(int layer, int64_t e, const std::vector<double>& x) const {
    const double t = dot(at(layer, "mlp.down").row(e), x);
    const double active = 0.5 * t * std::erfc(-t / std::sqrt(2.0));
    std::vector<double> y(x.size());
    for (size_t o = 0; o < y.size(); ++o) y[o] = at(layer, "mlp.up").row(e)[o] * active;
    return y;
  }

  // relu²(U x + b) of a key.
  std::vector<double> neurons(int layer, const std::string& u, int64_t key, int64_t width,
                              const std::vector<double>& x) const {
    std::vector<double> active;
    for (int64_t m = key * width; m < (key + 1) * width; ++m) {
      const double t = dot(at(layer, "moe." + u + ".weight").row(m), x) +
                       at(layer, "moe." + u + ".bias").values[static_cast<size_t>(m)];
      active.push_back(t > 0 ? t * t : 0);
    }
    return active;
  }

  void add(int layer, const std::string& v, int64_t key, const std::vector<double>& active,
           double* y) const {
    const MiniatureTensor& matrix = at(layer, "moe." + v + ".weight");
    for (int64_t o = 0; o < matrix.shape[0]; ++o) {
      for (size_t m = 0; m < active.size(); ++m) {
        y[o] += matrix.row(o)[key * static_cast<int64_t>(active.size()) + static_cast<int64_t>(m)] *
                active[m];
      }
    }
  }

  std::vector<double> monet(int layer, int64_t expert, const std::vector<double>& x) const {
    const int64_t n = config_.monet.keys, i = expert / n, j = expert % n;
    std::vector<double> y(x.size());
    if (!config_.monet.vertical) {
      add(layer, "v", j, neurons(layer, "u", i, config_.monet.width, x), y.data());
      for (size_t o = 0; o < y.size(); ++o) y[o] += at(layer, "moe.b").row(j)[o];
      return y;
    }
    const size_t half = x.size() / 2;
    const std::vector<double> first = neurons(layer, "u1", i, config_.monet.width / 2, x);
    const std::vector<double> second = neurons(layer, "u2", j, config_.monet.width / 2, x);
    add(layer, "v11", i, first, y.data());
    add(layer, "v12", i, second, y.data());
    add(layer, "v21", j, first, y.data() + half);
    add(layer, "v22", j, second, y.data() + half);
    for (size_t o = 0; o < half; ++o) {
      y[o] += at(layer, "moe.b1").row(i)[o];
      y[half + o] += at(layer, "moe.b2").row(j)[o];
    }
    return y;
  }

  Miniature model_;
  test::TempDir dir_;
  ModelConfig config_;
  std::optional<Checkpoint> checkpoint_;
};

class MeanOutputTest : public ::testing::TestWithParam<const char*> {};

// The closed forms against the mean of many draws, each place within five standard errors.
TEST_P(MeanOutputTest, IsTheMeanOverNoise) {
  const Folder folder(GetParam());
  const ModelConfig& config = folder.config();
  const int64_t expert = std::min(config.num_experts - 1, 11);
  const int first = config.routing_layers().front();
  const int last = config.monet.keys > 0 ? first + config.monet.group : first + 1;
  const auto hidden = static_cast<size_t>(config.hidden_size);
  std::vector<double> sum(hidden), squares(hidden), z(hidden);
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal;
  for (int draw = 0; draw < kDraws; ++draw) {
    std::vector<double> y(hidden);
    for (int layer = first; layer < last; ++layer) {
      for (double& value : z) value = normal(random);
      const std::vector<double> part = folder.output(layer, expert, z);
      for (size_t o = 0; o < hidden; ++o) y[o] += part[o];
    }
    for (size_t o = 0; o < hidden; ++o) sum[o] += y[o], squares[o] += y[o] * y[o];
  }
  ExpertWeights weights(folder.checkpoint(), config);
  const std::vector<float> got = weights.mean_output({first, UnitKind::kExpert, expert});
  ASSERT_EQ(got.size(), hidden);
  for (size_t o = 0; o < hidden; ++o) {
    const double mean = sum[o] / kDraws;
    const double error = std::sqrt((squares[o] / kDraws - mean * mean) / kDraws);
    EXPECT_NEAR(got[o], mean, 5 * error + 1e-6) << o;
  }
}

INSTANTIATE_TEST_SUITE_P(AllFamilies, MeanOutputTest,
                         ::testing::Values("monet_hd", "monet_vd", "peer", "olmoe"),
                         [](const auto& test) { return std::string(test.param); });

class ExpertWeightsTest : public ::testing::TestWithParam<const char*> {};

TEST_P(ExpertWeightsTest, AKeyIsTheMeanOfItsJointExperts) {
  const Folder folder(GetParam());
  ExpertWeights weights(folder.checkpoint(), folder.config());
  const int64_t n = folder.config().monet.keys;
  for (const UnitKind kind : {UnitKind::kLeft, UnitKind::kRight}) {
    std::vector<double> mean(static_cast<size_t>(folder.config().hidden_size));
    for (int64_t partner = 0; partner < n; ++partner) {
      const int64_t id = kind == UnitKind::kLeft ? 3 * n + partner : partner * n + 3;
      const std::vector<float> joint = weights.mean_output({0, UnitKind::kExpert, id});
      for (size_t o = 0; o < mean.size(); ++o) mean[o] += joint[o] / static_cast<double>(n);
    }
    const std::vector<float> key = weights.mean_output({0, kind, 3});
    for (size_t o = 0; o < mean.size(); ++o) EXPECT_NEAR(key[o], mean[o], 1e-4) << o;
  }
}

TEST_P(ExpertWeightsTest, WhatAKeyHasOfItsOwnAddsUpToNothing) {
  const Folder folder(GetParam());
  ExpertWeights weights(folder.checkpoint(), folder.config());
  std::vector<double> sum(static_cast<size_t>(folder.config().hidden_size));
  double size = 0;
  for (int64_t key = 0; key < folder.config().monet.keys; ++key) {
    const std::vector<float> own = weights.own_output({0, UnitKind::kLeft, key});
    for (size_t o = 0; o < sum.size(); ++o) sum[o] += own[o], size += std::abs(own[o]);
  }
  EXPECT_GT(size, 1);
  for (const double value : sum) EXPECT_NEAR(value, 0, 1e-4);
}

// All weights once: as many as the layers have, and keys that share none.
TEST_P(ExpertWeightsTest, AJointExpertHasTheWeightsOfItsKeys) {
  const Folder folder(GetParam());
  ExpertWeights weights(folder.checkpoint(), folder.config());
  const int64_t n = folder.config().monet.keys;
  const size_t left = weights.flat({0, UnitKind::kLeft, 2}).size();
  const size_t right = weights.flat({0, UnitKind::kRight, 5}).size();
  EXPECT_EQ(weights.flat({0, UnitKind::kExpert, 2 * n + 5}).size(), left + right);
  size_t all = 0;
  for (int layer = 0; layer < folder.config().monet.group; ++layer) {
    for (const std::string& name : folder.checkpoint().names()) {
      if (!name.starts_with("model.layers." + std::to_string(layer) + ".moe.")) continue;
      all += static_cast<size_t>(folder.checkpoint().tensor(name).elements());
    }
  }
  EXPECT_EQ((left + right) * static_cast<size_t>(n), all);
}

INSTANTIATE_TEST_SUITE_P(Monet, ExpertWeightsTest, ::testing::Values("monet_hd", "monet_vd"),
                         [](const auto& test) { return std::string(test.param); });

TEST(ExpertWeightsTest, WeightsOfAnExpertAreItsThreeMatrices) {
  const Folder folder("olmoe");
  ExpertWeights weights(folder.checkpoint(), folder.config());
  const std::vector<float> flat = weights.flat({0, UnitKind::kExpert, 1});
  std::vector<float> expected;
  for (const char* part : {"gate", "up", "down"}) {
    const std::vector<float>& values =
        folder.at(0, fmt::format("mlp.experts.1.{}_proj.weight", part)).values;
    expected.insert(expected.end(), values.begin(), values.end());
  }
  EXPECT_EQ(flat, expected);
}

TEST(ExpertWeightsTest, RefusesWhatHasNoExperts) {
  const Folder folder("llama");
  EXPECT_EQ(test::error_of([&] { ExpertWeights(folder.checkpoint(), folder.config()); })->code(),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(test::error_of([&] {
              read_tensor(folder.checkpoint(), "model.norm.weight", {1, 2});
            })->code(),
            ErrorCode::kBadFile);
}

// Of a vocabulary of four letters.
TEST(LogitLensTest, LogitsAreCentredProductsWithTheUnembedding) {
  const test::TempDir dir;
  const std::vector<float> head = {1, 0, 0, 1, -2, 0, 0, 3}, norm = {2, 0.5};
  write_safetensors(dir.file("model.safetensors"),
                    {{"lm_head.weight",
                      {DType::kF32, {4, 2}, reinterpret_cast<const std::byte*>(head.data()), 32}},
                     {"model.norm.weight",
                      {DType::kF32, {2}, reinterpret_cast<const std::byte*>(norm.data()), 8}}});
  const Checkpoint checkpoint = Checkpoint::open(dir.path());
  ModelConfig config;
  config.vocab_size = 4;
  config.hidden_size = 2;
  const Tokenizer tokenizer = Tokenizer::from_json(
      R"({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2, "d": 3}, "merges": []},
          "decoder": {"type": "Fuse"}})");
  const LogitLens lens(checkpoint, config, tokenizer);
  const std::vector<std::vector<float>> outputs = {{1, 2}, {0, -4}};
  const std::vector<std::vector<float>> logits = lens.logits(outputs);
  // 2, 1, -4, 3 and 0, -2, 0, -6, less their means.
  EXPECT_EQ(logits[0], (std::vector<float>{1.5, 0.5, -4.5, 2.5}));
  EXPECT_EQ(logits[1], (std::vector<float>{2, 0, 2, -4}));
  const std::vector<LogitEffect> effects = lens.effects(outputs, 2);
  EXPECT_EQ(effects[0].promoted[0].text, "d");
  EXPECT_EQ(effects[0].promoted[1].token, 0);
  EXPECT_EQ(effects[0].suppressed[0].text, "c");
  EXPECT_EQ(effects[0].suppressed[0].logit, -4.5F);
  EXPECT_EQ(effects[1].promoted[0].text, "a") << "of equal ones the lower id";
}

}  // namespace
}  // namespace expertoire
