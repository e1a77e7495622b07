#include "tokenizer/regex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"

namespace expertoire {
namespace {

using test::error_of;
using ::testing::HasSubstr;

TEST(RegexTest, FindsMatchesInOrderAndSkipsEmptyOnes) {
  const auto matches = Regex("a*").find_all("baab");
  ASSERT_EQ(matches.size(), 1u);
  EXPECT_EQ(matches[0].begin, 1u);
  EXPECT_EQ(matches[0].end, 3u);
}

// Qwen's pattern goes back over the whole run before it takes it.
TEST(RegexTest, LongRunsOfSpacesAreWithinTheLimit) {
  const Regex regex(R"(\s*[\r\n]+|\s+(?!\S)|\s+)");
  EXPECT_EQ(regex.find_all(std::string(12'000'000, ' ')).size(), 1u);
}

TEST(RegexTest, AGroupRepeatsOverALongRun) {
  const Regex regex(R"((?:\p{L}|\p{N})+|.)");
  EXPECT_EQ(regex.find_all(std::string(1'000'000, 'a') + " b").size(), 3u);
}

TEST(RegexTest, APatternThatExplodesGivesUp) {
  for (const char* pattern : {"(a+)+$", "(a|aa)+$", "a*a*a*a*a*a*a*a*b", "(?:(?:a+)*)*b"}) {
    const auto error = error_of([&] { Regex(pattern).find_all(std::string(200, 'a') + " b"); });
    ASSERT_TRUE(error) << pattern;
    EXPECT_EQ(error->code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error->what(), HasSubstr(pattern));
  }
}

TEST(RegexTest, WhatOnlyOnigurumasClassesHaveIsRefused) {
  for (const char* pattern : {"[a[bc]]", "[a-z&&[^c]]", "[[:alpha:]]", R"([\Wa])", R"([^\H])"}) {
    const auto error = error_of([&] { Regex{pattern}; });
    ASSERT_TRUE(error) << pattern;
    EXPECT_EQ(error->code(), ErrorCode::kUnsupported);
    EXPECT_THAT(error->parts().found, HasSubstr("in a class"));
  }
  EXPECT_EQ(Regex(R"([\[&]\[)").find_all("&[").size(), 1u);
}

// \K moves the start of a match; behind its end there is nothing to give out.
TEST(RegexTest, AMatchThatRunsBackwardsIsRefused) {
  for (const char* pattern :
       {R"((?=ab\K))", R"((?(DEFINE)(?<x>ab\K))(?=(?&x))a)", R"((?<=\Ka)b)"}) {
    EXPECT_TRUE(error_of([&] { Regex(pattern).find_all("abab"); })) << pattern;
  }
  EXPECT_EQ(Regex(R"(a\Kb)").find_all("abab").size(), 2u);
}

}  // namespace
}  // namespace expertoire
