#include "train/run_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/temp_dir.h"

namespace expertoire::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kRun = R"({"run": {"kind": "monet_vd", "model": {"moe_topk": 8}}})";

RunLog read(const std::string& text, const std::string& name = "a.jsonl") {
  const test::TempDir folder;
  return read_run_log(folder.write(name, text));
}

std::string refusal(const std::string& text) {
  const auto error = test::error_of([&] { read(text); });
  return error ? std::string(error_code_name(error->code())) + ": " + error->what() : "was read";
}

std::string step(int number, const std::string& more = "") {
  return "{\"step\": " + std::to_string(number) + ", \"tokens\": " + std::to_string(number * 100) +
         ", \"seconds\": " + std::to_string(number * 2) + ", \"lm\": 1" + more + "}\n";
}

std::string held_out(int number, double loss) {
  return "{\"step\": " + std::to_string(number) + ", \"tokens\": " + std::to_string(number * 100) +
         ", \"held_out_loss\": " + std::to_string(loss) + "}\n";
}

std::vector<double> steps_of(const std::vector<LogRecord>& records) {
  std::vector<double> steps;
  for (const LogRecord& record : records) steps.push_back(record.step);
  return steps;
}

TEST(RunLogTest, ReadsStepsAndHeldOutMeasurements) {
  const RunLog log = read(std::string(kRun) + "\n" + step(1, ", \"loss\": 5.5") + "\n" + step(2) +
                          held_out(2, 4.25) + step(3));
  EXPECT_THAT(steps_of(log.steps), ElementsAre(1, 2, 3));
  EXPECT_EQ(log.steps[0].value("loss"), 5.5);
  EXPECT_EQ(log.steps[0].tokens, 100);
  EXPECT_EQ(log.steps[2].seconds, 6);
  EXPECT_EQ(log.steps[1].value("loss"), std::nullopt);
  ASSERT_EQ(log.held_out.size(), 1u);
  EXPECT_EQ(log.held_out[0].value("held_out_loss"), 4.25);
  EXPECT_EQ(log.held_out[0].seconds, 4) << "those of step 2";
}

TEST(RunLogTest, TakesMeansOfListsAndLeavesOutWhatIsNoNumber) {
  const RunLog log =
      read(std::string(kRun) + "\n" +
           step(1, R"(, "a": [1, 2, 6], "b": null, "c": "x", "d": [], "e": [1, null])"));
  EXPECT_EQ(log.steps[0].value("a"), 3);
  for (const char* name : {"b", "c", "d", "e"}) EXPECT_FALSE(log.steps[0].value(name)) << name;
}

// A run that estimates its routers anew says so beside its last step.
TEST(RunLogTest, OtherEventsReplaceNothing) {
  const RunLog log =
      read(std::string(kRun) + "\n" + step(1) + held_out(1, 3) +
           "{\"recalibrated\": {\"held_out_loss\": 2}, \"step\": 1, \"tokens\": 100}\n");
  EXPECT_THAT(steps_of(log.steps), ElementsAre(1));
  EXPECT_EQ(log.steps[0].seconds, 2);
  EXPECT_EQ(log.held_out.at(0).value("held_out_loss"), 3);
}

TEST(RunLogTest, FindsSettingsAtAnyDepth) {
  const RunLog log = read(std::string(kRun) + "\n");
  EXPECT_EQ(log.setting({"none", "moe_topk"}), 8);
  EXPECT_EQ(log.setting({"kind"}), std::nullopt);
}

TEST(RunLogTest, IsNamedByItsConfigurationItsFileOrItsFolder) {
  const std::string run = std::string(kRun) + "\n";
  EXPECT_EQ(read("{\"run\": {\"name\": \"mine\"}}\n").name, "mine");
  EXPECT_EQ(read(run, "dense.2.jsonl").name, "dense");
  EXPECT_EQ(read(run, "seed-3/log.jsonl").name, "seed-3");
}

// Killed after step 5, resumed from the checkpoint of step 2.
TEST(RunLogTest, AResumedRunReplacesWhatItRepeats) {
  const std::string killed = std::string(kRun) + "\n" + step(1) + step(2) + held_out(2, 9) +
                             step(3) + step(4, ", \"loss\": 1") + held_out(4, 8) + step(5) + kRun +
                             "\n";
  const RunLog log = read(killed + step(3) + step(4, ", \"loss\": 2"));
  EXPECT_THAT(steps_of(log.steps), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(log.steps[3].value("loss"), 2);
  EXPECT_THAT(steps_of(log.held_out), ElementsAre(2));
  const RunLog later = read(killed + step(3) + step(4) + held_out(4, 7));
  EXPECT_THAT(steps_of(later.held_out), ElementsAre(2, 4));
  EXPECT_EQ(later.held_out[1].value("held_out_loss"), 7);
}

TEST(RunLogTest, ForgivesALastLineThatWasCutOff) {
  const std::string whole = std::string(kRun) + "\n" + step(1) + step(2);
  for (size_t left = 1; left < step(2).size() - 1; ++left) {
    EXPECT_EQ(read(whole.substr(0, whole.size() - 1 - left)).steps.size(), 1u) << left;
  }
  EXPECT_EQ(read(whole.substr(0, whole.size() - 1)).steps.size(), 2u) << "only the end is missing";
}

TEST(RunLogTest, RefusesOtherBadLinesByNumber) {
  const std::string run = std::string(kRun) + "\n";
  EXPECT_THAT(refusal(run + step(1) + "{\"step\": 2, \"tok\n" + step(3)),
              HasSubstr("a.jsonl line 3"));
  EXPECT_THAT(refusal(run + "{\"step\": 2, \"tok\n"), HasSubstr("a.jsonl line 2"));
  EXPECT_THAT(refusal(run + "[1]\n"), HasSubstr("line 2: [1]; expected an object"));
  EXPECT_THAT(refusal(run + "{\"step\": 2}\n"), HasSubstr("line 2: tokens is absent"));
  EXPECT_THAT(refusal(run + "{\"step\": -2, \"tokens\": 1}\n"), HasSubstr("step is -2"));
  EXPECT_THAT(refusal(run + "{\"step\": 1, \"tokens\": 1, \"loss\": NaN}\n"), HasSubstr("line 2"));
  EXPECT_THAT(refusal("{\"run\": 3}\n"), HasSubstr("line 1: 3; expected a configuration"));
}

TEST(RunLogTest, RefusesWhatIsNoLog) {
  EXPECT_THAT(refusal(""), HasSubstr("no line; expected {\"run\""));
  EXPECT_THAT(refusal(step(1)), HasSubstr("bad_file: reading "));
  EXPECT_THAT(refusal(step(1)), HasSubstr("line 1"));
  EXPECT_THAT(refusal("{\"ru"), HasSubstr("line 1"));
}

}  // namespace
}  // namespace expertoire::train
