#include "eval/rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/gzip.h"

namespace expertoire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string refusal(const std::string& path, const std::function<void(const DataRow&)>& take,
                    const RowOptions& options = {}) {
  const auto error = test::error_of([&] { read_rows(path, options, take); });
  return error ? std::string(error_code_name(error->code())) + ": " + error->what() : "was read";
}

std::string refusal_of(const std::string& line, const std::function<void(const DataRow&)>& take) {
  const test::TempDir folder;
  return refusal(folder.write("a.jsonl", "{\"text\": \"one\"}\n" + line), [&](const DataRow& row) {
    if (row.where().ends_with("line 2")) take(row);
  });
}

TEST(RowsTest, ReadsFieldsUnderTheNamesOfPublicFiles) {
  const test::TempDir folder;
  const std::string text =
      "\xef\xbb\xbf{\"tweet\": \"\xef\xbb\xbfone\", \"class\": 2}\r\n\n"
      "{\"text\": \"two\", \"category\": \"card\", \"tweet\": \"not this\"}\n"
      "{\"text\": \"three\", \"label\": 1.0}";
  std::vector<std::string> seen;
  const auto take = [&](const DataRow& row) {
    seen.push_back(row.text("text") + "/" + row.label("label"));
  };
  const RowCounts counts = read_rows(test::write_gzip(folder, "a.jsonl.gz", text), {}, take);
  EXPECT_THAT(seen, ElementsAre("one/2", "two/card", "three/1"));
  EXPECT_EQ(counts.used, 3);
}

TEST(RowsTest, TakesTheNameThatIsGiven) {
  const test::TempDir folder;
  const std::string path = folder.write("a.jsonl", R"({"text": "no", "body": "yes"})");
  read_rows(path, {.names = {{"text", "body"}}},
            [](const DataRow& row) { EXPECT_EQ(row.text("text"), "yes"); });
  EXPECT_THAT(
      refusal(path, [](const DataRow& row) { row.text("text"); }, {.names = {{"text", "title"}}}),
      AllOf(HasSubstr("bad_file"), HasSubstr("a.jsonl line 1"), HasSubstr("title"),
            HasSubstr("body, text"), HasSubstr("--text-field")));
}

TEST(RowsTest, ReadsLists) {
  const test::TempDir folder;
  const std::string path = folder.write(
      "a.jsonl",
      R"({"positive": ["a", "b"], "negative": "c", "x": [1, 2.5], "y": [3, "d", true]})");
  read_rows(path, {}, [](const DataRow& row) {
    EXPECT_THAT(row.texts("positive"), ElementsAre("a", "b"));
    EXPECT_THAT(row.texts("negative"), ElementsAre("c"));
    EXPECT_THAT(row.numbers("x"), ElementsAre(1, 2.5));
    EXPECT_THAT(row.labels("y"), ElementsAre("3", "d", "true"));
  });
}

TEST(RowsTest, LeavesOutNullLabelsAndCountsThem) {
  const test::TempDir folder;
  const std::string path =
      folder.write("a.jsonl", "{\"label\": null}\n{\"label\": 1}\n{\"label\": null}\n");
  const auto take = [](const DataRow& row) { row.label("label"); };
  const RowCounts counts = read_rows(path, {.label = "label"}, take);
  EXPECT_EQ(counts.used, 1);
  EXPECT_EQ(counts.null_labels, 2);
  EXPECT_THAT(refusal(path, take), HasSubstr("line 1: label is null; expected text or a whole"));
}

TEST(RowsTest, RefusesOrCountsBrokenRows) {
  const test::TempDir folder;
  const std::string path =
      folder.write("a.jsonl", "{\"score\": 1}\n{\"score\"\n{\"score\": NaN}\n");
  const auto take = [](const DataRow& row) { row.number("score"); };
  EXPECT_THAT(refusal(path, take), AllOf(HasSubstr("a.jsonl line 2"), HasSubstr("not JSON"),
                                         HasSubstr("--skip-bad-rows")));
  const RowCounts counts = read_rows(path, {.skip_bad = true}, take);
  EXPECT_EQ(counts.used, 1);
  EXPECT_EQ(counts.bad, 2);
}

TEST(RowsTest, SaysWhatIsWrongWithARow) {
  const auto number = [](const DataRow& row) { row.number("score"); };
  EXPECT_THAT(refusal_of(R"({"score": NaN})", number), HasSubstr("JSON has no NaN"));
  EXPECT_THAT(refusal_of(R"({"score": "4"})", number), HasSubstr("score is \"4\"; expected a fin"));
  EXPECT_THAT(refusal_of(R"({"a": 1})", number), HasSubstr("no field \"score\" among \"a\""));
  EXPECT_THAT(refusal_of("[1]", number), HasSubstr("line 2: [1]; expected an object"));
  EXPECT_THAT(refusal_of(R"({"label": 1.5})", [](const DataRow& row) { row.label("label"); }),
              HasSubstr("label is 1.5; expected text or a whole number"));
  EXPECT_THAT(refusal_of(R"({"text": 3})", [](const DataRow& row) { row.text("text"); }),
              HasSubstr("text is 3; expected text"));
  EXPECT_THAT(
      refusal_of(R"({"positive": ["a", 3]})", [](const DataRow& row) { row.texts("positive"); }),
      HasSubstr("positive is 3; expected text"));
}

TEST(RowsTest, RefusesFilesWithoutRows) {
  const test::TempDir folder;
  const auto take = [](const DataRow& row) { row.label("label"); };
  EXPECT_THAT(refusal(folder.write("a.jsonl", "\n \n"), take), HasSubstr("a.jsonl: no rows"));
  EXPECT_THAT(refusal(folder.write("b.jsonl", "{\"label\": null}\n{"), take,
                      {.label = "label", .skip_bad = true}),
              HasSubstr("no row to use (1 broken, 1 without a label)"));
  EXPECT_THAT(refusal(folder.file("missing"), take), HasSubstr("not_found"));
}

}  // namespace
}  // namespace expertoire
