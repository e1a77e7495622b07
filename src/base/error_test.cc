#include "base/error.h"

#include <gtest/gtest.h>

namespace expertoire {
namespace {

TEST(ErrorTest, JoinsThePartsThatAreThere) {
  EXPECT_STREQ(Error(ErrorCode::kIo, {"a", "b", "c", "d"}).what(), "a: b; expected c; d");
  EXPECT_STREQ(Error(ErrorCode::kIo, {"a", "", "", "d"}).what(), "a; d");
  EXPECT_STREQ(Error(ErrorCode::kIo, {"", "b", "", ""}).what(), "b");
  EXPECT_STREQ(Error(ErrorCode::kIo, {}).what(), "");
}

TEST(ErrorTest, IsOneLineWhateverAFileSays) {
  const Error error(ErrorCode::kBadFile, {"reading a\nb", "\x1b[2J", "\x7fü", "\r\n"});
  EXPECT_STREQ(error.what(), "reading a\\x0ab: \\x1b[2J; expected \\x7fü; \\x0d\\x0a");
  EXPECT_EQ(error.parts().operation, "reading a\nb");
}

TEST(ErrorTest, EveryCodeHasItsOwnName) {
  EXPECT_EQ(error_code_name(ErrorCode::kInvalidArgument), "invalid_argument");
  EXPECT_EQ(error_code_name(ErrorCode::kBadFile), "bad_file");
  EXPECT_EQ(error_code_name(ErrorCode::kInternal), "internal");
}

}  // namespace
}  // namespace expertoire
