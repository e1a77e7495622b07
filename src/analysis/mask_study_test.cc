// A model built by hand: masking the expert of one kind of token hurts the texts of that kind
// alone.
#include "analysis/mask_study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "support/errors.h"
#include "support/miniature.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

using test::Miniature;
using testing::Each;

constexpr int kHidden = 16, kVocab = 40;

// Even tokens and odd ones have a direction each. The router sends them to expert 0 and 1, which
// say that a token of the same kind comes next: nats are ln(20) with the expert and more without.
Miniature planted_model() {
  Miniature model = Miniature::of({{"model_type", "olmoe"},
                                   {"hidden_size", kHidden},
                                   {"vocab_size", kVocab},
                                   {"max_position_embeddings", 128},
                                   {"num_hidden_layers", 1},
                                   {"num_attention_heads", 2},
                                   {"num_experts", 4},
                                   {"num_experts_per_tok", 1},
                                   {"intermediate_size", 8}});
  for (auto& [name, tensor] : model.tensors) {
    const bool norm = name.find("norm") != std::string::npos;
    std::ranges::fill(tensor.values, norm ? 1.0F : 0.0F);
  }
  const auto at = [&](const std::string& name, int64_t row) {
    return model.tensors.at(name).row(row);
  };
  for (int token = 0; token < kVocab; ++token) {
    at("model.embed_tokens.weight", token)[token % 2] = 1;
    at("lm_head.weight", token)[4 + token % 2] = 2;
  }
  for (int expert : {0, 1}) {
    const std::string mlp = "model.layers.0.mlp.";
    const std::string of_expert = mlp + "experts." + std::to_string(expert);
    at(mlp + "gate.weight", expert)[expert] = 5;
    at(of_expert + ".gate_proj.weight", 0)[expert] = 1;
    at(of_expert + ".up_proj.weight", 0)[expert] = 1;
    at(of_expert + ".down_proj.weight", 4 + expert)[0] = 1;
  }
  return model;
}

// 12 texts of even tokens, then 12 of odd ones.
StudyCorpus planted_texts() {
  StudyCorpus corpus;
  for (int i = 0; i < 24; ++i) {
    StudyDocument document{i / 12, "", {}, 30};
    for (int t = 0; t < 31; ++t) document.ids.push_back((7 * i + 11 * t) % 20 * 2 + i / 12);
    corpus.documents.push_back(std::move(document));
  }
  return corpus;
}

std::vector<PlannedMask> planted_masks() {
  return {{{.target = 0}, {{0, {0}}}},
          {{.target = 1}, {{0, {1}}}},
          {{.target = 0, .kind = MaskKind::kSameNumber}, {{0, {2}}}}};
}

const std::vector<std::string> kDomains = {"even", "odd"};

class MaskStudyTest : public testing::Test {
 protected:
  MaskScores score(ItemLog& log, const RoutingEdit& base = {}, const ProgressSink& progress = {}) {
    return score_masks(session_, {planted_masks(), kDomains, 0, base}, corpus_, log, progress);
  }
  ItemLog log(bool resume = false, const std::string& name = "log.jsonl") {
    return {dir_.file(name), "print", resume};
  }

  test::TempDir dir_;
  Session session_{planted_model().load(), {1}};
  StudyCorpus corpus_ = planted_texts();
};

TEST_F(MaskStudyTest, ThePlantedExpertHurtsItsDomainAlone) {
  ItemLog file = log();
  const MaskScores scores = score(file);
  EXPECT_THAT(scores.before, Each(testing::DoubleNear(30 * std::log(20.0), 0.1)));
  const MaskEffects effects = mask_effects(scores, {.resamples = 200});
  for (const int target : {0, 1}) {
    const MaskEffect& effect = *effects.find(target, MaskKind::kSelected);
    EXPECT_GT(effect.change[static_cast<size_t>(target)].low, 0.5);
    EXPECT_EQ(effect.change[static_cast<size_t>(1 - target)].value, 0);  // to the bit
  }
  EXPECT_EQ(effects.find(0, MaskKind::kSameNumber)->change[0].value, 0);
  EXPECT_GT(effects.summaries.at(MaskKind::kSelected).difference.low, 0.5);
}

TEST_F(MaskStudyTest, AResumedRunHasTheSameScoresAndDoesOnlyTheRest) {
  ItemLog whole = log(false, "whole.jsonl");
  const MaskScores wanted = score(whole);
  struct Stopped {};
  {
    ItemLog first = log();
    EXPECT_THROW(score(first, {},
                       [](int64_t done, int64_t total) {
                         EXPECT_EQ(total, 4 * 24);
                         if (done > 40) throw Stopped();
                       }),
                 Stopped);
  }
  ItemLog second = log(true);
  const size_t kept = second.lines().size();
  EXPECT_EQ(kept, 2U);  // all texts fit into one batch
  const MaskScores got = score(second);
  EXPECT_EQ(got.before, wanted.before);
  EXPECT_EQ(got.after, wanted.after);
  second.finish();
  const std::string text = test::read_bytes(dir_.file("log.jsonl"));
  EXPECT_EQ(std::ranges::count(text, '\n'), 1 + 4);
}

TEST_F(MaskStudyTest, MasksComeAfterTheEditThatTheModelRunsUnder) {
  const RoutingEdit base({}, {{.layers = std::vector{0}, .experts = {0}}});
  ItemLog plain = log(false, "plain.jsonl"), edited = log(false, "edited.jsonl");
  const MaskScores without = score(plain), with = score(edited, base);
  EXPECT_EQ(with.before, without.after[0]);
  for (size_t i = 0; i < 24; ++i) {  // both experts are gone
    EXPECT_EQ(with.after[1][i], without.after[i < 12 ? 0 : 1][i]) << i;
  }
}

TEST_F(MaskStudyTest, OtherTextsOrMasksAreAnotherStudy) {
  const auto print = [&](const std::vector<PlannedMask>& plan) {
    return study_fingerprint({plan, kDomains}, corpus_);
  };
  const nlohmann::json first = print(planted_masks());
  EXPECT_EQ(first, print(planted_masks()));
  std::vector<PlannedMask> other = planted_masks();
  other[1].mask[0] = {3};
  EXPECT_NE(first["masks"], print(other)["masks"]);
  EXPECT_EQ(first["texts"], print(other)["texts"]);
  corpus_.documents[3].ids[7] += 2;
  EXPECT_NE(first["texts"], print(planted_masks())["texts"]);
}

TEST_F(MaskStudyTest, ALogOfAnotherFormIsRefused) {
  dir_.write("log.jsonl.partial", "{\"fingerprint\":\"print\"}\n{\"mask\":3}\n");
  ItemLog file = log(true);
  EXPECT_EQ(test::error_of([&] { score(file); })->code(), ErrorCode::kBadFile);
}

}  // namespace
}  // namespace expertoire
