// Experts that fire on toxic tokens: planted ones are found, and sums equal a brute-force count.
#include "analysis/toxicity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "eval/correlation.h"
#include "support/miniature.h"
#include "support/tiny_model.h"

namespace expertoire {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// In layer 0 expert 0 takes the tokens from 8 on, expert 1 the others; layer 1 makes no difference
// between its experts.
std::string planted(const test::TempDir& folder) {
  test::TinyModel model;
  auto& embeddings = model.at("model.embed_tokens.weight");
  embeddings.assign(embeddings.size(), 0.0F);
  for (size_t token = 0; token < test::TinyModel::kVocab; ++token) {
    float* row = embeddings.data() + token * test::TinyModel::kHidden;
    row[0] = token < 8 ? -1.0F : 1.0F;
    row[1 + token % 7] = 1.0F;
  }
  for (const char* name : {"0.self_attn.o_proj.weight", "1.self_attn.o_proj.weight",
                           "0.mlp.gate.weight", "1.mlp.gate.weight"}) {
    std::ranges::fill(model.at(name), 0.0F);
  }
  model.at("0.mlp.gate.weight")[0] = 3.0F;
  model.at("0.mlp.gate.weight")[test::TinyModel::kHidden] = -3.0F;
  return model.write(folder);
}

TEST(ToxicityTest, AnExpertPlantedOnToxicTokensIsFound) {
  const test::TempDir folder;
  Session session(Model::load(planted(folder), {}), {.threads = 1});
  std::vector<ValuedTokens> texts(20);
  for (size_t i = 0; i < texts.size(); ++i) {
    ValuedTokens& text = texts[i];
    for (size_t t = 0; t < 12; ++t) {
      const bool toxic = (i + t) % 3 == 0;
      text.ids.push_back(static_cast<int32_t>((i * 5 + t * 3) % 8 + (toxic ? 8 : 0)));
      text.values.push_back(toxic ? 0.9 : 0.1);
      text.shuffled.push_back((i * 7 + t * 11) % 5 == 0 ? 0.9 : 0.1);
    }
    text.values[0] = text.shuffled[0] = kNone;  // counts nowhere
  }
  const ToxicityCorrelation found = correlate_toxicity(session, texts);
  EXPECT_EQ(found.toxicity.tokens(), 20 * 11);
  EXPECT_EQ(found.toxicity.count(0), 20 * 11);
  EXPECT_GT(found.toxicity.pearson(0), 0.999);
  EXPECT_LT(found.toxicity.pearson(1), -0.999);
  EXPECT_LT(std::abs(found.shuffled.pearson(0)), 0.3);
  EXPECT_TRUE(std::isnan(found.toxicity.pearson(2)));  // layer 1: always one half
  EXPECT_THAT(experts_above(found.units, found.toxicity, 0.9),
              ElementsAre(Pair(0, ElementsAre(0))));
  EXPECT_TRUE(experts_above(found.units, found.shuffled, 0.9).empty());
  EXPECT_THAT(most_correlated(found.units, found.toxicity, 5), ElementsAre(0, 1));
  const auto tokens = top_tokens(session, found.units, texts, {0}, 4);
  ASSERT_EQ(tokens.at(0).size(), 4U);
  for (const TokenUse& use : tokens.at(0)) EXPECT_GE(use.token, 8);
  const ExpertMasses masses = masses_of(found.units, found.toxicity);
  EXPECT_NEAR(masses.at(0)[0] + masses.at(0)[1], 220, 1e-3);
  EXPECT_NEAR(masses.at(1)[0], 110, 1e-3);
}

// The scores of every unit on every token, from the routing itself.
struct AllScores final : RoutingSink {
  const UnitTable& units;
  std::vector<std::vector<double>> scores;  // [units][tokens of all texts]
  size_t first = 0;                         // token of the text

  AllScores(const UnitTable& table, size_t tokens)
      : units(table), scores(static_cast<size_t>(table.size()), std::vector<double>(tokens)) {}

  void on_routing(const RoutingEvent& event) override {
    for (size_t t = 0; t < event.tokens.size(); ++t) {
      if (const TopKRouting* routing = event.top_k()) {
        for (int k = 0; k < routing->top_k; ++k) {
          const size_t at = t * static_cast<size_t>(routing->top_k) + static_cast<size_t>(k);
          add(event.layer, routing->selected[at], t, routing->weights[at]);
        }
      } else {
        for (const JointExpert& expert : event.factored()->joint(static_cast<int64_t>(t), 0.0F)) {
          add(event.layer, expert.id, t, expert.score);
        }
      }
    }
  }
  void add(int layer, int32_t expert, size_t t, double score) {
    const int64_t unit = units.number({layer, UnitKind::kExpert, expert});
    scores[static_cast<size_t>(unit)][first + t] += score;
  }
};

class ToxicitySumsTest : public testing::TestWithParam<std::string> {};

TEST_P(ToxicitySumsTest, EqualABruteForceCount) {
  Session session(test::Miniature::random(GetParam()).load(), {.threads = 1});
  const auto vocab = static_cast<size_t>(session.model().config().vocab_size);
  std::vector<ValuedTokens> texts(25);
  std::vector<double> values;
  size_t state = 1;
  for (ValuedTokens& text : texts) {
    for (size_t t = 0; t < 13; ++t) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      text.ids.push_back(static_cast<int32_t>((state >> 33) % vocab));
      text.values.push_back(static_cast<double>(text.ids.back() % 10) / 10);
      text.shuffled.push_back(0.5);
      values.push_back(text.values.back());
    }
  }
  const ToxicityCorrelation found = correlate_toxicity(session, texts);
  AllScores all(found.units, values.size());
  for (const ValuedTokens& text : texts) {
    const std::span<const int32_t> ids = text.ids;
    session.forward_once({&ids, 1}, &all);
    all.first += ids.size();
  }
  int used = 0;
  for (const IndexedLayer& layer : found.units.layers()) {
    for (int64_t e = 0; e < layer.experts; ++e) {
      const int64_t unit = found.units.number({layer.layer, UnitKind::kExpert, e});
      const std::vector<double>& scores = all.scores[static_cast<size_t>(unit)];
      const double wanted = pearson(scores, values), got = found.toxicity.pearson(unit);
      if (std::isnan(got)) {
        EXPECT_EQ(found.toxicity.count(unit), 0) << unit;
        continue;
      }
      ++used;
      EXPECT_NEAR(got, wanted, 1e-6) << found.units.name(found.units.unit(unit));
    }
  }
  EXPECT_GE(used, 10);
}

INSTANTIATE_TEST_SUITE_P(Families, ToxicitySumsTest,
                         testing::Values("olmoe", "qwen2_moe", "monet_hd", "peer"));

class ValueTokensTest : public testing::Test {
 protected:
  const Tokenizer tokenizer_ = Tokenizer::load(EXPERTOIRE_SOURCE_DIR "/models/monet-small");
  const std::vector<ScoredText> texts_ = {{"The weather", " is fine today", 0.1, 0.2},
                                          {"You are a", " fool", 0.6, 0.9}};
};

TEST_F(ValueTokensTest, HaveTheToxicityOfTheirPiece) {
  const std::vector<ValuedTokens> valued = value_tokens(tokenizer_, texts_, 1024, 1);
  ASSERT_EQ(valued.size(), 2U);
  const size_t prompt = tokenizer_.encode(texts_[1].prompt).size();
  const ValuedTokens& text = valued[1];
  EXPECT_EQ(text.ids, tokenizer_.encode("You are a fool"));
  for (size_t t = 0; t < text.ids.size(); ++t) {
    if (tokenizer_.is_special(text.ids[t])) {
      EXPECT_TRUE(std::isnan(text.values[t]) && std::isnan(text.shuffled[t])) << t;
    } else {
      EXPECT_EQ(text.values[t], t < prompt ? 0.6 : 0.9) << t;
      EXPECT_THAT(text.shuffled[t], testing::AnyOf(0.1, 0.2, 0.6, 0.9)) << t;
    }
  }
}

TEST_F(ValueTokensTest, LoseTheirFrontWhereTheyAreTooLong) {
  const std::vector<ValuedTokens> valued = value_tokens(tokenizer_, texts_, 4, 1);
  const std::vector<int32_t> whole = tokenizer_.encode("You are a fool");
  EXPECT_EQ(valued[1].ids, std::vector<int32_t>(whole.end() - 4, whole.end()));
  EXPECT_EQ(valued[1].values.back(), 0.9);
  const std::vector<ValuedTokens> alone =
      value_tokens(tokenizer_, {{"You are a fool", "", 0.7, 0}}, 2, 1);
  EXPECT_THAT(alone[0].values, ElementsAre(0.7, 0.7));
}

}  // namespace
}  // namespace expertoire
