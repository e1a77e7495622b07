// Embeddings of a stream: in order, and with the same bits for any token budget and threads.
#include "embed/pipeline.h"

#include <gtest/gtest.h>

#include <random>

#include "support/errors.h"
#include "support/miniature.h"

namespace expertoire::test {
namespace {

constexpr const char* kFolder = EXPERTOIRE_SOURCE_DIR "/models/olmoe-small";

std::vector<std::string> random_texts(size_t count) {
  const std::vector<std::string> words = {"the",    "cell",  "market", "wave", "of",   "in",
                                          "energy", "price", "grows",  "slow", "1859", "ship"};
  std::mt19937 random(4);
  std::vector<std::string> texts(count);
  for (std::string& text : texts) {
    const size_t length = 1 + random() % (random() % 8 == 0 ? 120 : 12);
    for (size_t i = 0; i < length; ++i) text += (i > 0 ? " " : "") + words[random() % words.size()];
  }
  return texts;
}

class PipelineTest : public testing::Test {
 protected:
  std::vector<std::vector<float>> embed(const std::vector<std::string>& texts, int threads,
                                        int64_t budget, Compute compute = Compute::kF32) {
    Session session(models_.at(compute), {threads});
    EmbedOptions options;
    options.kind = EmbedKind::kConcat;
    options.pooling = Pooling::kMean;
    options.hidden_layers = LayerChoice::kAll;
    Embedder embedder(session, tokenizer_, options);
    std::vector<std::vector<float>> out;
    EmbedPipeline pipeline(embedder, budget, [&](EmbedParts parts) {
      out.push_back(embedder.combine(std::move(parts), nullptr));
    });
    for (const std::string& text : texts) pipeline.add(text);
    pipeline.flush();
    pipeline.flush();  // nothing left
    return out;
  }

  static std::shared_ptr<const Model> load(Compute compute) {
    nlohmann::json config = miniature_config("qwen2_moe");
    config["vocab_size"] = 8192;
    return Miniature::of(config).load(compute);
  }

  Tokenizer tokenizer_ = Tokenizer::load(kFolder);
  std::map<Compute, std::shared_ptr<const Model>> models_ = {
      {Compute::kF32, load(Compute::kF32)}, {Compute::kBF16, load(Compute::kBF16)}};
};

TEST_F(PipelineTest, SameTextSameBitsForAnyBudgetOrderAndThreads) {
  std::vector<std::string> texts = random_texts(60);
  for (const Compute compute : {Compute::kF32, Compute::kBF16}) {
    std::map<std::string, std::vector<float>> expected;
    for (const std::string& text : texts) expected[text] = embed({text}, 1, 1, compute)[0];
    std::mt19937 random(1);
    for (int64_t budget : {1, 7, 64, 1000, 100000}) {
      std::shuffle(texts.begin(), texts.end(), random);
      const auto got = embed(texts, 1 + static_cast<int>(random() % 4), budget, compute);
      ASSERT_EQ(got.size(), texts.size());
      for (size_t i = 0; i < texts.size(); ++i) {
        EXPECT_EQ(got[i], expected.at(texts[i])) << budget << " text " << i;
      }
    }
  }
}

TEST_F(PipelineTest, PassesStayWithinTheBudgetAndLongTextsRunAlone) {
  Session session(models_.at(Compute::kF32), {1});
  EmbedOptions options;
  options.pooling = Pooling::kMean;  // so that all tokens leave the pass
  Embedder embedder(session, tokenizer_, options);
  std::vector<size_t> passes;  // of each text, the tokens of the pass that it ran in
  EmbedPipeline pipeline(embedder, 40, [&](const EmbedParts&) {
    passes.push_back(session.decoder().tokens().size());
  });
  const std::string some = "the cell grows";
  std::string long_text;
  for (int i = 0; i < 4; ++i) {
    long_text += " the price of energy in the market grows slow in the wave of the ship";
  }
  const size_t few = tokenizer_.encode(some).size();
  const size_t many = tokenizer_.encode(long_text).size();
  ASSERT_LE(few, 16U) << "counted as 16: two fit into the budget, three do not";
  ASSERT_GT(many, 40U);
  pipeline.add(some);
  pipeline.add(some);
  EXPECT_TRUE(passes.empty()) << "waits for more";
  pipeline.add(long_text);
  EXPECT_EQ(passes, (std::vector<size_t>{2 * few, 2 * few, many}));
  pipeline.add(some);
  EXPECT_EQ(passes.size(), 3U);
  pipeline.flush();
  EXPECT_EQ(passes.size(), 4U);
  EXPECT_EQ(pipeline.tokens(), static_cast<int64_t>(3 * few + many));
}

TEST_F(PipelineTest, TextThatIsRefusedLeavesTheOthers) {
  Session session(models_.at(Compute::kF32), {1});
  Embedder embedder(session, tokenizer_, {});
  int64_t done = 0;
  EmbedPipeline pipeline(embedder, 100, [&](const EmbedParts&) { ++done; });
  pipeline.add("the cell");
  EXPECT_TRUE(error_of([&] { pipeline.add(""); }));
  pipeline.add("the ship");
  pipeline.flush();
  EXPECT_EQ(done, 2);
}

}  // namespace
}  // namespace expertoire::test
