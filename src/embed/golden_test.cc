// The MoEE goldens: prompts, vectors and similarities as the paper's own code gives them, and the
// repository's smaller ones as transformers gives them (tests/fixtures/README.md).
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "embed/embedder.h"
#include "io/safetensors.h"
#include "support/shared.h"

namespace expertoire {
namespace {

using nlohmann::json;

class MoeeTest : public testing::TestWithParam<std::tuple<const char*, const char*>> {
 protected:
  void SetUp() override {
    const std::string name = std::get<0>(GetParam());
    folder_ = fixture_folder() + "/" + name;
    if (name.starts_with("goldens/")) {
      EXPERTOIRE_NEEDS_SHARED(name);
      folder_ = shared_folder() + "/" + name;
    }
    std::ifstream file(folder_ + "/prompts.jsonl");
    for (std::string line; std::getline(file, line);) {
      const json row = json::parse(line);
      if (row["template"] == std::get<1>(GetParam())) rows_.push_back(row);
    }
    ASSERT_EQ(rows_.size(), name.starts_with("goldens/") ? 24U : 8U);
    session_ = std::make_unique<Session>(
        Model::load(folder_, {.compute = Compute::kF32, .lm_head = false}));
    tokenizer_ = std::make_unique<Tokenizer>(Tokenizer::load(folder_));
    golden_ =
        std::make_unique<SafetensorsFile>(SafetensorsFile::open(folder_ + "/moee.safetensors"));
  }

  Embedder embedder(EmbedKind kind, std::optional<Stage> stage = {}) {
    // What the paper's code calls "none" is the quoted text.
    const std::string name = std::get<1>(GetParam());
    EmbedOptions options;
    options.kind = kind;
    options.prompt = Prompt::parse(name == "none" ? "quoted" : name);
    options.routing_stage = stage;
    return {*session_, *tokenizer_, options};
  }

  std::vector<EmbedParts> parts(Embedder& embedder) {
    std::vector<std::vector<int32_t>> texts;
    for (const json& row : rows_)
      texts.push_back(embedder.tokenize(row["sentence"].get<std::string>()));
    return embedder.parts(texts);
  }

  void expect(const std::string& name, const std::vector<std::vector<float>>& got, float bound) {
    const TensorView& view = golden_->tensor(std::string(std::get<1>(GetParam())) + "." + name);
    std::vector<float> want(static_cast<size_t>(view.elements()));
    read_f32(view, 0, view.elements(), want.data());
    size_t i = 0;
    float worst = 0;
    for (const auto& row : got) {
      for (float value : row) {
        const float error = std::abs(value - want.at(i++));
        ASSERT_FALSE(std::isnan(error)) << name;
        worst = std::max(worst, error);
      }
    }
    EXPECT_EQ(i, want.size()) << name;
    EXPECT_LE(worst, bound) << name;
  }

  std::string folder_;
  std::vector<json> rows_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<SafetensorsFile> golden_;
};

TEST_P(MoeeTest, PromptsAndIdsAreThePapers) {
  const Embedder e = embedder(EmbedKind::kHidden);
  for (const json& row : rows_) {
    const std::string sentence = row["sentence"].get<std::string>();
    EXPECT_EQ(e.options().prompt.apply(sentence), row["prompt"].get<std::string>());
    EXPECT_EQ(e.tokenize(sentence), row["ids"].get<std::vector<int32_t>>());
  }
}

TEST_P(MoeeTest, RawPartsAndProbabilities) {
  Embedder e = embedder(EmbedKind::kConcat);
  std::vector<std::vector<float>> hidden;
  std::vector<std::vector<float>> routing;
  for (const EmbedParts& part : parts(e)) {
    hidden.push_back(part.hidden);
    routing.push_back(part.routing);
  }
  expect("hs", hidden, 3e-5F);
  expect("rw", routing, 3e-5F);
  Embedder probs = embedder(EmbedKind::kRouting, Stage::kProbs);
  routing.clear();
  for (const EmbedParts& part : parts(probs)) routing.push_back(part.routing);
  expect("rw_probs", routing, 1e-5F);
}

TEST_P(MoeeTest, BatchStandardisationAndConcat) {
  Embedder e = embedder(EmbedKind::kConcat);
  std::vector<EmbedParts> batch = parts(e);
  standardize_batch(batch);
  std::vector<std::vector<float>> hidden, routing, concat;
  for (const EmbedParts& part : batch) {
    hidden.push_back(part.hidden);
    routing.push_back(part.routing);
    concat.push_back(e.combine(part, nullptr));
  }
  expect("hs_z", hidden, 5e-5F);
  expect("rw_z", routing, 5e-5F);
  expect("concat", concat, 5e-5F);
}

TEST_P(MoeeTest, SumIsOneVectorWhoseInnerProductIsTheSumOfCosines) {
  Embedder e = embedder(EmbedKind::kSum);
  std::vector<std::vector<float>> vectors;
  for (EmbedParts& part : parts(e)) vectors.push_back(e.combine(part, nullptr));
  std::vector<std::vector<float>> sums;
  for (const auto& a : vectors) {
    sums.emplace_back();
    for (const auto& b : vectors) {
      double dot = 0;
      for (size_t i = 0; i < a.size(); ++i) dot += static_cast<double>(a[i]) * b[i];
      sums.back().push_back(static_cast<float>(dot));
    }
  }
  expect("sum", sums, 1e-5F);
}

INSTANTIATE_TEST_SUITE_P(Shared, MoeeTest,
                         testing::Combine(testing::Values("goldens/moee-olmoe",
                                                          "goldens/moee-qwen2moe",
                                                          "goldens/moee-deepseek"),
                                          testing::Values("none", "prompteol")),
                         [](const auto& info) { return std::to_string(info.index); });
INSTANTIATE_TEST_SUITE_P(Fixtures, MoeeTest,
                         testing::Combine(testing::Values("moee/olmoe", "moee/deepseek"),
                                          testing::Values("none", "prompteol")),
                         [](const auto& info) { return std::to_string(info.index); });

// Monet's routing is what its routers said of the last token, layer by layer, side by side.
class MonetGoldenTest : public testing::TestWithParam<std::tuple<const char*, Stage>> {};

TEST_P(MonetGoldenTest, RoutingOfTheLastToken) {
  const auto& [name, stage] = GetParam();
  EXPERTOIRE_NEEDS_SHARED(std::string("goldens/monet/") + name);
  const std::string folder = shared_folder() + "/goldens/monet/" + name;
  const SafetensorsFile golden = SafetensorsFile::open(folder + "/outputs.safetensors");
  const auto values = [&](const std::string& tensor) {
    const TensorView& view = golden.tensor(tensor);
    std::vector<float> all(static_cast<size_t>(view.elements()));
    read_f32(view, 0, view.elements(), all.data());
    return all;
  };
  const auto integers = [&](const std::string& tensor) {
    const TensorView& view = golden.tensor(tensor);
    const auto* data = reinterpret_cast<const int32_t*>(view.data);
    return std::vector<int32_t>(data, data + view.elements());
  };
  Session session(Model::load(folder, {Compute::kF32, false, 1, {}}), {1});
  const Tokenizer any = Tokenizer::load(EXPERTOIRE_SOURCE_DIR "/models/monet-small");
  Embedder embedder(session, any, {.kind = EmbedKind::kRouting, .routing_stage = stage});
  const std::vector<int32_t> ids = integers("input_ids");
  size_t end = 0;
  for (const int32_t length : integers("seq_lens")) {
    const auto first = ids.begin() + static_cast<int64_t>(end);
    const std::vector<int32_t> text(first, first + length);
    end += static_cast<size_t>(length);
    const std::vector<float> got = embedder.parts({&text, 1})[0].routing;
    size_t at = 0;
    for (const int layer : session.model().config().routing_layers()) {
      for (const char* side : {"1", "2"}) {
        const std::string word = stage == Stage::kLogits ? "router_logits" : "g";
        const std::vector<float> all = values(word + side + "." + std::to_string(layer));
        const size_t width = all.size() / ids.size();
        for (size_t i = 0; i < width; ++i) {
          const float want = all[(end - 1) * width + i];
          ASSERT_NEAR(got.at(at++), want, 2e-5 * (1 + std::abs(want))) << layer << side << i;
        }
      }
    }
    EXPECT_EQ(at, got.size());
  }
}

INSTANTIATE_TEST_SUITE_P(Goldens, MonetGoldenTest,
                         testing::Combine(testing::Values("monet-hd-16", "monet-vd-16"),
                                          testing::Values(Stage::kLogits, Stage::kProbs)));

}  // namespace
}  // namespace expertoire
