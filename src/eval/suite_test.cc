#include "eval/suite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/errors.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const json kGood = {
    {"format", "expertoire.eval_suite"},
    {"version", 1},
    {"name", "small"},
    {"about", "One task."},
    {"runs",
     {{{"task", "sts"}, {"data", {"a.jsonl", "b.jsonl"}}, {"options", {"--kind", "sum"}}}}}};

TEST(SuiteTest, IsReadFromItsFile) {
  const test::TempDir folder;
  const Suite suite = read_suite(folder.write("s.json", kGood.dump()), {"sts", "pairs"});
  EXPECT_EQ(suite.name, "small");
  ASSERT_EQ(suite.runs.size(), 1U);
  EXPECT_EQ(suite.runs[0].task, "sts");
  EXPECT_THAT(suite.runs[0].data, ElementsAre("a.jsonl", "b.jsonl"));
  EXPECT_THAT(suite.runs[0].options, ElementsAre("--kind", "sum"));
}

TEST(SuiteTest, RefusesWhatIsNone) {
  const test::TempDir folder;
  const auto refusal = [&](const std::string& pointer, const json& value) {
    json suite = kGood;
    suite[json::json_pointer(pointer)] = value;
    const std::string path = folder.write("s.json", suite.dump());
    const auto error = test::error_of([&] { read_suite(path, {"sts"}); });
    return error && error->code() == ErrorCode::kBadFile ? std::string(error->what()) : "was read";
  };
  EXPECT_EQ(refusal("/name", "other"), "was read");
  EXPECT_THAT(refusal("/version", 2), HasSubstr("version 1"));
  EXPECT_THAT(refusal("/more", 2), HasSubstr("\"more\" in the suite"));
  EXPECT_THAT(refusal("/runs", json::array()), HasSubstr("no runs"));
  EXPECT_THAT(refusal("/runs/0/task", "poetry"), HasSubstr("one of sts"));
  EXPECT_THAT(refusal("/runs/0/data", json::array()), HasSubstr("run 1 without data"));
  EXPECT_THAT(refusal("/runs/0/data", "a.jsonl"), HasSubstr("a list of texts"));
  EXPECT_THAT(refusal("/runs/0/options", {1}), HasSubstr("a list of texts"));
  EXPECT_THAT(refusal("/runs/0/shots", 5), HasSubstr("\"shots\" in run 1"));
}

}  // namespace
}  // namespace expertoire
