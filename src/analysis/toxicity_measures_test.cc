// Measures before and after an edit, from the model to the table.
#include "analysis/toxicity_quantities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "analysis/toxicity_scorer.h"
#include "engine/score.h"
#include "io/json.h"
#include "support/errors.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::SizeIs;

TEST(ControlledChangeTest, PairsItemsAndAveragesSeeds) {
  // Item i: 10 i under the model; the edit adds 5; the controls add 1 and 3.
  const double added[] = {0, 5, 1, 3};
  const auto mean = [&](size_t system, std::span<const uint32_t> items) {
    double sum = 0;
    for (const uint32_t item : items) sum += 10.0 * item + added[system];
    return sum / static_cast<double>(items.size());
  };
  const ControlledChange found = controlled_change(20, mean, {{"mass", {2, 3}}}, {});
  EXPECT_DOUBLE_EQ(found.before, 95);
  EXPECT_DOUBLE_EQ(found.after, 100);
  EXPECT_NEAR(found.change.low, 5, 1e-9);  // unpaired, it would spread by tens
  EXPECT_NEAR(found.change.high, 5, 1e-9);
  const ControlledChange::Control& control = found.controls.at("mass");
  EXPECT_NEAR(control.change.value, 2, 1e-9);
  EXPECT_NEAR(control.beyond.value, 3, 1e-9);
  EXPECT_NEAR(control.beyond.high, 3, 1e-9);
  EXPECT_NEAR(control.least, 1, 1e-9);
  EXPECT_NEAR(control.most, 3, 1e-9);
}

TEST(MeasureLogTest, KeepsWhatWasMeasuredAndRefusesAnotherStudy) {
  const test::TempDir folder;
  const std::string path = folder.file("log.jsonl");
  {
    MeasureLog log(path, {{"a", 1}}, false);
    log.add("model", "clean", 3, {{"nats", 2.5}});
  }
  {
    MeasureLog log(path, {{"a", 1}}, true);
    ASSERT_NE(log.find("model", "clean", 3), nullptr);
    EXPECT_EQ(log.find("model", "clean", 3)->at("nats"), 2.5);
    EXPECT_EQ(log.find("model", "clean", 4), nullptr);
    EXPECT_EQ(log.find("edit", "clean", 3), nullptr);
    log.finish();
  }
  MeasureLog finished(path, {{"a", 1}}, true);  // to be scored anew
  EXPECT_NE(finished.find("model", "clean", 3), nullptr);
  finished.finish();
  const auto error = test::error_of([&] { MeasureLog(path, {{"a", 2}}, true); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kInvalidArgument);
}

class ToxicityMeasuresTest : public testing::Test {
 protected:
  ToxicityMeasuresTest() {
    task_.texts = {{"The weather", " is fine", 0.1, 0.1},
                   {"You are a", " fool", 0.6, 0.9},
                   {"No", "", 0.2, 0}};
    task_.clean = {"The mass of a body is constant.", "Cells divide."};
    task_.sets = {choose_prompts("prompts", task_.texts, 5,
                                 {.count = 2, .max_tokens = 3, .sampler = {.temperature = 1}})};
  }
  ToxicityMeasures measure(const std::string& system, MeasureLog& log) {
    return measure_toxicity(session_, tokenizer_, task_, system, log);
  }

  const std::string folder_ = EXPERTOIRE_SOURCE_DIR "/models/olmoe-small";
  const Tokenizer tokenizer_ = Tokenizer::load(folder_);
  Session session_{Model::load(folder_, {}), {.threads = 1}};
  ToxicityTask task_;
};

TEST_F(ToxicityMeasuresTest, AreTheEnginesNumbersAndComeBackFromTheLog) {
  MeasureLog log("", {}, false);
  const ToxicityMeasures first = measure("model", log);
  const std::vector<int32_t> ids = tokenizer_.encode("You are a fool");
  const size_t prompt = tokenizer_.encode("You are a").size();
  double nats = 0;
  for (const double log_prob : token_log_probs(session_, ids, prompt)) nats -= log_prob;
  EXPECT_DOUBLE_EQ(first.continuations[1].nats, nats);
  EXPECT_EQ(first.continuations[1].scored, static_cast<int64_t>(ids.size() - prompt));
  EXPECT_EQ(first.continuations[2].scored, 0);
  EXPECT_EQ(first.clean[1].nats, score_text(session_, tokenizer_, task_.clean[1], {}).nats);
  ASSERT_THAT(first.samples, ElementsAre(SizeIs(3)));  // one toxic prompt, two others
  EXPECT_THAT(first.samples[0], testing::Each(SizeIs(2)));

  // Another edit would change everything; what was measured is taken as it is.
  session_.set_edit(RoutingEdit({}, {{.experts = {0, 1, 2, 3, 4, 5, 6, 7}}}));
  const ToxicityMeasures again = measure("model", log), edited = measure("edit", log);
  EXPECT_EQ(again.continuations[1].nats, first.continuations[1].nats);
  EXPECT_EQ(again.clean[0].nats, first.clean[0].nats);
  EXPECT_EQ(again.clean[0].scored_bytes, first.clean[0].scored_bytes);
  EXPECT_EQ(again.samples, first.samples);
  EXPECT_NE(edited.continuations[1].nats, first.continuations[1].nats);
}

TEST_F(ToxicityMeasuresTest, BecomeTheProtocolsNumbers) {
  ToxicityMeasures before, after;
  before.continuations = {{.nats = 4, .scored = 2}, {.nats = 9, .scored = 3}, {}};
  after.continuations = {{.nats = 4, .scored = 2}, {.nats = 12, .scored = 3}, {}};
  before.clean = after.clean = {{.nats = std::log(2.0), .scored = 2, .scored_bytes = 4},
                                {.nats = 3 * std::log(2.0), .scored = 2, .scored_bytes = 4}};
  before.samples = {{{"0.2", "0.8"}, {"0.1", "0.3"}, {"0.5", "0.1"}}};
  after.samples = {{{"0.2", "0.4"}, {"0.1", "0.3"}, {"0.5", "0.1"}}};
  const auto scorer = [](const std::vector<std::string>& texts) {
    std::vector<double> scores;
    for (const std::string& text : texts) scores.push_back(std::stod(text));
    return scores;
  };
  std::map<std::string, std::pair<double, double>> values;
  const std::vector<ToxicityMeasures> systems = {before, after};
  for (const ToxicityQuantity& quantity : toxicity_quantities(task_, systems, scorer)) {
    const std::vector<uint32_t> items = each_item(quantity.items);
    values[quantity.set + ": " + quantity.name] = {quantity.statistic(0, items),
                                                   quantity.statistic(1, items)};
  }
  const auto value = [](double a, double b) {
    return Pair(testing::DoubleNear(a, 1e-9), testing::DoubleNear(b, 1e-9));
  };
  EXPECT_THAT(values["likelihood: nats a token, toxic"], value(3, 4));
  EXPECT_THAT(values["likelihood: nats a token, clean"], value(2, 2));
  EXPECT_THAT(values["likelihood: toxic less clean"], value(1, 2));
  EXPECT_THAT(values["clean text: bits a byte"], value(0.5, 0.5));
  EXPECT_THAT(values["prompts, toxic prompts: expected maximum"], value(0.8, 0.4));
  EXPECT_THAT(values["prompts, toxic prompts: probability"], value(1, 0));
  EXPECT_THAT(values["prompts, toxic prompts: mean"], value(0.5, 0.3));
  EXPECT_THAT(values["prompts, other prompts: expected maximum"], value(0.4, 0.4));
  EXPECT_THAT(values["prompts, other prompts: probability"], value(0, 0));
  EXPECT_THAT(values, SizeIs(10));
}

TEST(ChoosePromptsTest, SpreadsEachGroupOverTheTexts) {
  std::vector<ScoredText> texts(10);
  for (size_t i = 0; i < 10; ++i) texts[i] = {std::to_string(i), "", i < 4 ? 0.5 : 0.4, 0};
  const PromptSet set = choose_prompts("p", texts, 2, {});
  EXPECT_THAT(set.prompts, ElementsAre("0", "2", "4", "7"));
  EXPECT_THAT(set.toxic, ElementsAre(true, true, false, false));
  EXPECT_THAT(choose_prompts("p", texts, 100, {}).prompts, SizeIs(10));
}

TEST(ToxicityScorerTest, LabelledTextsNameTheirToxicLabels) {
  const test::TempDir folder;
  const std::string path =
      folder.write("a.jsonl", "{\"tweet\": \"a\", \"class\": 2}\n{\"tweet\": \"b\", \"class\": 0}");
  EXPECT_THAT(read_labelled_texts(path, {"0"}).classes, ElementsAre(0, 1));
  const auto error = test::error_of([&] { read_labelled_texts(path, {"7"}); });
  ASSERT_TRUE(error);
  EXPECT_THAT(error->what(), HasSubstr("7"));
}

TEST(ToxicityScorerTest, ScoresFromAFileMustBeThere) {
  const test::TempDir folder;
  const TextScorer scorer = file_scorer(folder.write(
      "a.jsonl", "{\"text\": \" x\\n\", \"score\": 0.25}\n{\"text\": \"\", \"score\": 1}"));
  EXPECT_THAT(scorer({"", " x\n"}), ElementsAre(1, 0.25));
  const auto error = test::error_of([&] { scorer({"other"}); });
  ASSERT_TRUE(error);
  EXPECT_THAT(error->what(), HasSubstr("other"));
  const std::string bad = folder.write("b.jsonl", "{\"text\": \"x\", \"score\": 7}");
  EXPECT_TRUE(test::error_of([&] { file_scorer(bad); }));
}

}  // namespace
}  // namespace expertoire
