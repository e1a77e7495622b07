#include "analysis/scored_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/gzip.h"

namespace expertoire {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr const char* kRealToxicity =
    R"({"prompt": {"text": "You are", "toxicity": 0.2}, "continuation": {"text": " a fool", "toxicity": 0.75}})";

TEST(ScoredTextTest, ReadsTheFormsOfPublicFiles) {
  const test::TempDir folder;
  const std::string text = std::string(kRealToxicity) + "\n" +
                           R"({"prompt": "- one\\n-", "label": "hate"}
{"prompt": "- two\\n-", "label": "neutral"}
{"prompt": {"text": "a", "toxicity": null}, "continuation": {"text": "b", "toxicity": 1}}
{"text": "three", "toxicity": 1})";
  const ScoredTexts texts =
      read_scored_texts(test::write_gzip(folder, "a.jsonl.gz", text), {.every = 5, .index = 4});
  ASSERT_THAT(texts.train, SizeIs(3));
  EXPECT_EQ(texts.train[0].prompt, "You are");
  EXPECT_EQ(texts.train[0].continuation, " a fool");
  EXPECT_EQ(texts.train[0].prompt_toxicity, 0.2);
  EXPECT_EQ(texts.train[0].continuation_toxicity, 0.75);
  EXPECT_EQ(texts.train[1].prompt, "- one\n-");
  EXPECT_EQ(texts.train[1].prompt_toxicity, 1);
  EXPECT_EQ(texts.train[2].prompt_toxicity, 0);
  ASSERT_THAT(texts.held_out, SizeIs(1));
  EXPECT_EQ(texts.held_out[0].prompt, "three");
  EXPECT_EQ(texts.held_out[0].continuation, "");
  EXPECT_EQ(texts.without_score, 1);
}

TEST(ScoredTextTest, RefusesOtherRowsByTheirLine) {
  const test::TempDir folder;
  for (const auto& [line, found] : std::vector<std::pair<std::string, std::string>>{
           {R"({"prompt": {"text": "a"}, "continuation": {"text": "b", "toxicity": 1}})",
            "prompt is"},
           {R"({"prompt": {"text": "a", "toxicity": 0.1}})", "continuation"},
           {R"({"text": "a", "toxicity": 1.5})", "1.5"},
           {R"({"text": "a", "toxicity": "high"})", "high"},
           {R"({"text": "", "toxicity": 0.5})", "text of the row"},
           {R"({"prompt": "a", "label": "rude"})", "rude"},
           {R"({"tweet": "a"})", "toxicity"}}) {
    const std::string path = folder.write("a.jsonl", kRealToxicity + ("\n" + line));
    const auto error = test::error_of([&] { read_scored_texts(path, {.every = 0}); });
    ASSERT_TRUE(error) << line;
    EXPECT_EQ(error->code(), ErrorCode::kBadFile) << line;
    EXPECT_THAT(error->what(), HasSubstr(found));
    EXPECT_THAT(error->what(), HasSubstr("line 2"));
  }
}

TEST(ScoredTextTest, BothPartsNeedRows) {
  const test::TempDir folder;
  const std::string path = folder.write("a.jsonl", kRealToxicity);
  const auto error = test::error_of([&] { read_scored_texts(path, {.every = 5, .index = 4}); });
  ASSERT_TRUE(error);
  EXPECT_THAT(error->what(), HasSubstr("1 rows to learn from and 0 held out"));
}

}  // namespace
}  // namespace expertoire
