// Embeddings against an explicit computation from the stages of a captured forward pass.
#include "embed/embedder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "engine/capture.h"
#include "support/errors.h"
#include "support/miniature.h"

namespace expertoire::test {
namespace {

using testing::HasSubstr;

constexpr const char* kFolder = EXPERTOIRE_SOURCE_DIR "/models/olmoe-small";
const std::vector<std::string> kTexts = {"Cells divide.",
                                         "The price of a good rises when demand exceeds supply.",
                                         "In 1859 a ship left Plymouth, bound for the south."};

// A family in miniature that takes the default model's token ids.
std::shared_ptr<const Model> miniature(const std::string& name, int64_t context = 64) {
  nlohmann::json config = miniature_config(name);
  config["vocab_size"] = 8192;
  config["max_position_embeddings"] = context;
  return Miniature::of(config).load();
}

class EmbedderTest : public testing::TestWithParam<std::string> {
 protected:
  EmbedderTest()
      : tokenizer_(Tokenizer::load(kFolder)),
        session_(GetParam() == "trained" ? Model::load(kFolder, {Compute::kF32, true, 1, {}})
                                         : miniature(GetParam()),
                 {2}) {}

  const ModelConfig& config() const { return session_.model().config(); }
  std::vector<EmbedParts> parts(const EmbedOptions& options) {
    Embedder embedder(session_, tokenizer_, options);
    std::vector<std::vector<int32_t>> ids;
    for (const std::string& text : kTexts) ids.push_back(embedder.tokenize(text));
    return embedder.parts(ids);
  }

  // What a router's layer is made of: two sides of factored routing, else one.
  std::vector<std::string> routing_stages(Stage stage) const {
    const bool logits = stage == Stage::kLogits;
    if (config().monet.keys == 0) return {logits ? "router_logits" : "router_probs"};
    using Names = std::vector<std::string>;
    return logits ? Names{"router_logits1", "router_logits2"} : Names{"g1", "g2"};
  }

  // Mean over the rows of a stage, or its last row, in double, of one text alone.
  std::vector<double> pooled(const std::string& text, const std::string& stage, Pooling pooling) {
    std::vector<std::string> stages = {"hidden_states", "final_norm"};
    for (const Stage stage : {Stage::kLogits, Stage::kProbs}) {
      for (const std::string& name : routing_stages(stage)) stages.push_back(name);
    }
    Capture capture(stages);
    capture.run(session_, std::vector<std::vector<int32_t>>{tokenizer_.encode(text)});
    const CapturedTensor& tensor = capture.tensors().at(stage);
    std::vector<float> values(tensor.bytes.size() / sizeof(float));
    std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
    const size_t width = static_cast<size_t>(tensor.width);
    const size_t rows = static_cast<size_t>(tensor.rows());
    std::vector<double> out(width, 0.0);
    for (size_t row = pooling == Pooling::kLast ? rows - 1 : 0; row < rows; ++row) {
      for (size_t i = 0; i < width; ++i) out[i] += values[row * width + i];
    }
    for (double& value : out) value /= pooling == Pooling::kLast ? 1.0 : static_cast<double>(rows);
    return out;
  }

  std::vector<double> expected_hidden(const std::string& text, const EmbedOptions& options) {
    std::vector<double> out = pooled(text, "final_norm", options.pooling);
    if (options.hidden_layers == LayerChoice::kLast) return out;
    for (int i = 0; i < config().num_hidden_layers; ++i) {
      const auto layer = pooled(text, "hidden_states." + std::to_string(i), options.pooling);
      for (size_t d = 0; d < out.size(); ++d) out[d] += layer[d];
    }
    for (double& value : out) value /= config().num_hidden_layers + 1;
    return out;
  }

  std::vector<double> expected_routing(const std::string& text, const EmbedOptions& options,
                                       Stage stage) {
    std::vector<double> out;
    for (int i : config().routing_layers()) {
      if (options.routing_layers == LayerChoice::kLast) out.clear();
      for (const std::string& name : routing_stages(stage)) {
        const auto side = pooled(text, name + "." + std::to_string(i), options.pooling);
        out.insert(out.end(), side.begin(), side.end());
      }
    }
    return out;
  }

  static void expect_near(const std::vector<float>& got, const std::vector<double>& expected) {
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i) {
      ASSERT_NEAR(got[i], expected[i], 2e-6 * (1 + std::abs(expected[i]))) << i;
    }
  }

  Tokenizer tokenizer_;
  Session session_;
};

TEST_P(EmbedderTest, PartsOfEveryPoolingAndLayerChoice) {
  for (const Pooling pooling : {Pooling::kLast, Pooling::kMean}) {
    for (const LayerChoice layers : {LayerChoice::kLast, LayerChoice::kAll}) {
      for (const Stage stage : {Stage::kLogits, Stage::kProbs}) {
        EmbedOptions options;
        options.kind = EmbedKind::kConcat;
        options.pooling = pooling;
        options.hidden_layers = options.routing_layers = layers;
        options.routing_stage = stage;
        const std::vector<EmbedParts> got = parts(options);
        ASSERT_EQ(got.size(), kTexts.size());
        for (size_t i = 0; i < kTexts.size(); ++i) {
          expect_near(got[i].hidden, expected_hidden(kTexts[i], options));
          expect_near(got[i].routing, expected_routing(kTexts[i], options, stage));
        }
      }
    }
  }
}

TEST_P(EmbedderTest, StageIsTheFamilysUnlessStated) {
  Embedder embedder(session_, tokenizer_, {});
  const bool deepseek = GetParam() == "deepseek";
  EXPECT_EQ(embedder.routing_stage(), deepseek ? Stage::kProbs : Stage::kLogits);
}

TEST_P(EmbedderTest, KindsSayWhatTheyNeedAndHowLongTheyAre) {
  const auto routers = static_cast<int64_t>(config().routing_layers().size());
  const int64_t routing = config().router_outputs() * routers;
  for (const EmbedKind kind :
       {EmbedKind::kHidden, EmbedKind::kRouting, EmbedKind::kConcat, EmbedKind::kSum}) {
    EmbedOptions options;
    options.kind = kind;
    Embedder embedder(session_, tokenizer_, options);
    EXPECT_EQ(embedder.wants_hidden(), kind != EmbedKind::kRouting);
    EXPECT_EQ(embedder.wants_routing(), kind != EmbedKind::kHidden);
    const EmbedParts part = parts(options)[0];
    EXPECT_EQ(part.hidden.empty(), kind == EmbedKind::kRouting);
    EXPECT_EQ(part.routing.empty(), kind == EmbedKind::kHidden);
    const int64_t expected = (kind != EmbedKind::kRouting ? config().hidden_size : 0) +
                             (kind != EmbedKind::kHidden ? routing : 0);
    EXPECT_EQ(embedder.dim(), expected);
    EXPECT_EQ(static_cast<int64_t>(embedder.combine(part, nullptr).size()), expected);
  }
}

double dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  return dot(a, b) / std::sqrt(dot(a, a) * dot(b, b));
}

TEST_P(EmbedderTest, SumIsOneVectorWhoseInnerProductIsTheWeightedSumOfCosines) {
  for (const float alpha : {0.0F, 0.5F, 1.0F, 3.0F}) {
    EmbedOptions options;
    options.kind = EmbedKind::kSum;
    options.alpha = alpha;
    Embedder embedder(session_, tokenizer_, options);
    const std::vector<EmbedParts> all = parts(options);
    for (const EmbedParts& a : all) {
      for (const EmbedParts& b : all) {
        const double expected =
            cosine(a.hidden, b.hidden) + static_cast<double>(alpha) * cosine(a.routing, b.routing);
        EXPECT_NEAR(dot(embedder.combine(a, nullptr), embedder.combine(b, nullptr)), expected,
                    1e-6 * (1 + static_cast<double>(alpha)));
      }
    }
  }
}

TEST_P(EmbedderTest, CalibrationStandardisesThePartsBeforeTheyAreCombined) {
  EmbedOptions options;
  options.kind = EmbedKind::kConcat;
  Embedder concat(session_, tokenizer_, options);
  options.kind = EmbedKind::kSum;
  Embedder sum(session_, tokenizer_, options);
  const EmbedParts part = parts(options)[1];
  CalibrationSet set;
  set.hidden_mean.assign(part.hidden.size(), 0.25F);
  set.hidden_std.assign(part.hidden.size(), 2.0F);
  set.routing_mean.assign(part.routing.size(), -1.0F);
  set.routing_std.assign(part.routing.size(), 0.5F);
  EmbedParts by_hand = part;
  for (float& value : by_hand.hidden) value = (value - 0.25F) / 2.0F;
  for (float& value : by_hand.routing) value = (value + 1.0F) / 0.5F;
  for (const Embedder* embedder : {&concat, &sum}) {
    const std::vector<float> got = embedder->combine(part, &set);
    const std::vector<float> expected = embedder->combine(by_hand, nullptr);
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-5) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, EmbedderTest,
                         testing::Values("trained", "olmoe", "deepseek", "qwen2_moe", "mixtral",
                                         "monet_hd", "monet_vd", "peer"),
                         [](const auto& info) { return info.param; });

TEST(EmbedderSumTest, ZeroVectorStaysZero) {
  const Tokenizer tokenizer = Tokenizer::load(kFolder);
  Session session(miniature("olmoe"), {1});
  EmbedOptions options;
  options.kind = EmbedKind::kSum;
  const Embedder embedder(session, tokenizer, options);
  EXPECT_EQ(embedder.combine({{0, 0}, {3, 4}}, nullptr), (std::vector<float>{0, 0, 0.6F, 0.8F}));
}

TEST(EmbedderTextTest, LongTextIsAnErrorOrCutAtTheSideThatIsNamed) {
  const Tokenizer tokenizer = Tokenizer::load(kFolder);
  Session session(miniature("olmoe", 12), {1});
  const std::string text =
      "one two three four five six seven eight nine ten eleven twelve thirteen";
  const std::vector<int32_t> all = tokenizer.encode(text);
  ASSERT_GT(all.size(), 12U);
  const auto tokens = [&](Truncate truncate) {
    EmbedOptions options;
    options.truncate = truncate;
    return Embedder(session, tokenizer, options).tokenize(text);
  };
  EXPECT_EQ(tokens(Truncate::kRight), std::vector<int32_t>(all.begin(), all.begin() + 12));
  EXPECT_EQ(tokens(Truncate::kLeft), std::vector<int32_t>(all.end() - 12, all.end()));
  const auto error = error_of([&] { tokens(Truncate::kNever); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kTooLong);
  EXPECT_THAT(error->what(), HasSubstr("--truncate left or right"));
  // What stands around the text stays.
  EmbedOptions options;
  options.prompt = Prompt::parse("say {text} now");
  const std::vector<int32_t> prompted = tokenizer.encode("say " + text + " now");
  const std::vector<int32_t> around = tokenizer.encode("say  now");
  for (const Truncate truncate : {Truncate::kLeft, Truncate::kRight}) {
    options.truncate = truncate;
    const std::vector<int32_t> cut = Embedder(session, tokenizer, options).tokenize(text);
    ASSERT_EQ(cut.size(), 12U);
    EXPECT_EQ(cut.front(), prompted.front());
    EXPECT_EQ(cut.back(), prompted.back());
    EXPECT_EQ(cut.back(), around.back());
    const bool left = truncate == Truncate::kLeft;
    EXPECT_EQ(cut[left ? 10 : 1], prompted[left ? prompted.size() - 2 : 1]);
  }
  options = {};
  options.prompt = Prompt::parse("{text} one two three");
  EXPECT_EQ(Embedder(session, tokenizer, options).tokenize("a"),
            tokenizer.encode("a one two three"));
}

TEST(EmbedderTextTest, TextWithoutTokensIsRefused) {
  const Tokenizer tokenizer = Tokenizer::load(kFolder);
  Session session(miniature("olmoe"), {1});
  const auto error = error_of([&] { Embedder(session, tokenizer, {}).tokenize(""); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kInvalidArgument);
}

TEST(EmbedderOptionsTest, WhatMakesNoSenseIsRefused) {
  const Tokenizer tokenizer = Tokenizer::load(kFolder);
  Session sparse(miniature("olmoe"), {1});
  Session dense(miniature("llama"), {1});
  const auto refused = [&](Session& session, auto change, const char* found) {
    EmbedOptions options;
    change(options);
    const auto error = error_of([&] { Embedder embedder(session, tokenizer, options); });
    ASSERT_TRUE(error) << found;
    EXPECT_EQ(error->code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error->what(), HasSubstr(found));
  };
  for (const EmbedKind kind : {EmbedKind::kRouting, EmbedKind::kConcat, EmbedKind::kSum}) {
    refused(
        dense, [&](EmbedOptions& o) { o.kind = kind; }, "routing of a dense model");
  }
  EXPECT_NO_THROW(Embedder(dense, tokenizer, {}));
  refused(
      sparse, [](EmbedOptions& o) { o.alpha = -1; }, "alpha -1");
  refused(
      sparse, [](EmbedOptions& o) { o.alpha = NAN; }, "alpha nan");
  refused(
      sparse, [](EmbedOptions& o) { o.alpha = INFINITY; }, "alpha inf");
  refused(
      sparse, [](EmbedOptions& o) { o.routing_stage = Stage::kSelected; }, "stage selected");
  refused(
      sparse, [](EmbedOptions& o) { o.routing_stage = Stage::kWeights; }, "stage weights");
}

TEST(StandardizeBatchTest, EqualsTwoPassesInDouble) {
  std::vector<EmbedParts> batch = {{{1, 5}, {0.5F}}, {{2, 5}, {0.1F}}, {{4, 5}, {-3}}};
  const std::vector<EmbedParts> raw = batch;
  standardize_batch(batch);
  const auto column = [](const std::vector<EmbedParts>& rows, size_t d) {
    std::vector<double> values;
    for (const EmbedParts& row : rows) values.push_back(d < 2 ? row.hidden[d] : row.routing[0]);
    return values;
  };
  for (size_t d = 0; d < 3; ++d) {
    const auto values = column(raw, d);
    const double mean = (values[0] + values[1] + values[2]) / 3;
    double square = 0;
    for (double value : values) square += (value - mean) * (value - mean);
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(column(batch, d)[i], (values[i] - mean) / (std::sqrt(square / 2) + 1e-8), 1e-6);
    }
  }
}

TEST(StandardizeBatchTest, BatchOfOneIsZero) {
  std::vector<EmbedParts> batch = {{{1, 5}, {0.5F}}};
  standardize_batch(batch);
  EXPECT_THAT(batch[0].hidden, testing::Each(0.0F));
  EXPECT_THAT(batch[0].routing, testing::Each(0.0F));
  batch.clear();
  EXPECT_NO_THROW(standardize_batch(batch));
}

}  // namespace
}  // namespace expertoire::test
