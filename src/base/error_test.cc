#include "base/error.h"

#include <gtest/gtest.h>

#include <set>

#include "base/progress.h"
#include "support/errors.h"

namespace expertoire {
namespace {

TEST(ErrorTest, PartsMakeOneSentence) {
  const Error error(ErrorCode::kBadFile, {"reading x", "found y", "z", "do w"});
  EXPECT_STREQ(error.what(), "reading x: found y; expected z; do w");
  EXPECT_EQ(error.code(), ErrorCode::kBadFile);
  EXPECT_EQ(error.parts().advice, "do w");
}

TEST(ErrorTest, EmptyPartsAreLeftOut) {
  EXPECT_STREQ(Error(ErrorCode::kIo, {"reading x", "", "", ""}).what(), "reading x");
  EXPECT_STREQ(Error(ErrorCode::kIo, {"", "found y", "z", ""}).what(), "found y; expected z");
  EXPECT_STREQ(Error(ErrorCode::kIo, {"reading x", "y", "", "do w"}).what(), "reading x: y; do w");
}

TEST(ErrorTest, IsOneLineWhateverAFileSays) {
  const Error error(ErrorCode::kBadFile, {"reading a\nb", "\x1b[2J", "\x7fü", "\r\n"});
  EXPECT_STREQ(error.what(), "reading a\\x0ab: \\x1b[2J; expected \\x7fü; \\x0d\\x0a");
  EXPECT_EQ(error.parts().operation, "reading a\nb");
}

TEST(ErrorTest, EveryCodeHasAWordOfItsOwn) {
  std::set<std::string_view> words;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    words.insert(error_code_name(static_cast<ErrorCode>(code)));
  }
  EXPECT_EQ(words.size(), 9U);
  EXPECT_EQ(error_code_name(ErrorCode::kTooLong), "too_long");
  EXPECT_EQ(error_code_name(ErrorCode::kInvalidArgument), "invalid_argument");
}

TEST(CancelTokenTest, StaysRaised) {
  CancelToken token;
  EXPECT_FALSE(token.cancelled());
  EXPECT_NO_THROW(token.check("working"));
  token.cancel();
  token.cancel();
  EXPECT_TRUE(token.cancelled());
  const auto error = test::error_of([&] { token.check("working"); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kCancelled);
  EXPECT_STREQ(error->what(), "working: stopped on request");
}

}  // namespace
}  // namespace expertoire
