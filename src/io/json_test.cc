#include "io/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

using test::error_of;
using ::testing::HasSubstr;

std::string nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(JsonTest, ParsesADocument) {
  const auto value = parse_json(R"({"a": [1, -2, 0.5, "ü", null, true], "b": {}})", "x");
  EXPECT_EQ(value["a"][3], "ü");
  EXPECT_EQ(value["a"][1], -2);
  EXPECT_EQ(parse_json(nested(64), "x").size(), 1u);
  // The same key in different objects is nothing special.
  EXPECT_EQ(parse_json(R"([{"k":1},{"k":{"k":2}}])", "x").size(), 2u);
}

TEST(JsonTest, RefusesWhatItCannotTrust) {
  struct Case {
    std::string text;
    std::string words;
  };
  const std::vector<Case> cases = {{"", "not JSON at byte 1"},
                                   {"{\"a\": 1", "not JSON at byte 8"},
                                   {"{} {}", "not JSON at byte 4"},
                                   {"[1,]", "not JSON at byte 4"},
                                   {"[NaN]", "not JSON"},
                                   {"[1e999]", "no 64-bit float"},
                                   {"[\"\\ud800\"]", "not JSON"},
                                   {"\"a\xff\"", "not UTF-8 at offset 2"},
                                   {R"({"a":1,"b":2,"a":3})", "the key \"a\" twice"},
                                   {R"({"a":1,"\u0061":3})", "the key \"a\" twice"},
                                   {nested(65), "nesting deeper than 64"},
                                   {std::string(1'000'000, '['), "nesting deeper than 64"}};
  for (const Case& c : cases) {
    const auto error = error_of([&] { parse_json(c.text, "x.json"); });
    ASSERT_TRUE(error) << c.words;
    EXPECT_EQ(error->code(), ErrorCode::kBadFile);
    EXPECT_THAT(error->what(), HasSubstr(c.words));
    EXPECT_THAT(error->what(), HasSubstr("reading x.json"));
  }
}

TEST(JsonTest, LimitsAreTheCallers) {
  EXPECT_TRUE(error_of([] { parse_json("[[[]]]", "x", {.max_depth = 2}); }));
  EXPECT_TRUE(error_of([] { parse_json("[1, 2]", "x", {.max_bytes = 5}); }));
  EXPECT_FALSE(error_of([] { parse_json("[1, 2]", "x", {.max_depth = 1, .max_bytes = 6}); }));
}

TEST(JsonTest, ReadsFilesUpToALimit) {
  const test::TempDir dir;
  const std::string path = dir.write("x", "[12345]");
  EXPECT_EQ(read_json_file(path)[0], 12345);
  EXPECT_EQ(read_text_file(path, 7), "[12345]");
  const auto large = error_of([&] { read_text_file(path, 6); });
  ASSERT_TRUE(large);
  EXPECT_EQ(large->code(), ErrorCode::kBadFile);
  const auto absent = error_of([&] { read_text_file(dir.file("no")); });
  ASSERT_TRUE(absent);
  EXPECT_EQ(absent->code(), ErrorCode::kNotFound);
  const auto folder = error_of([&] { read_text_file(dir.path()); });
  ASSERT_TRUE(folder);
  EXPECT_EQ(folder->code(), ErrorCode::kIo);
}

}  // namespace
}  // namespace expertoire
