#include "io/refuse.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace expertoire {
namespace {

TEST(RefuseTest, InQuotesKeepsTextAndEscapesTheRest) {
  EXPECT_EQ(in_quotes("model.weight ü €"), "\"model.weight ü €\"");
  EXPECT_EQ(in_quotes("a\x1b[2J\n"), "\"a\\x1b[2J\\x0a\"");
  EXPECT_EQ(in_quotes("x\xff"), "\"x\\xff\"");
  EXPECT_EQ(in_quotes("\xe2\x82"), "\"\\xe2\\x82\"");
}

TEST(RefuseTest, InQuotesCutsLongTextBetweenCharacters) {
  std::string euros;
  for (int i = 0; i < 1000; ++i) euros += "€";
  const std::string shown = in_quotes(euros);
  EXPECT_LT(shown.size(), 120u);
  EXPECT_TRUE(shown.ends_with("€…\"")) << shown;
}

TEST(RefuseTest, SystemErrorsKeepTheirKind) {
  try {
    system_error("opening x", ENOENT);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  }
  try {
    system_error("opening x", EACCES, "ask");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_STREQ(error.what(), "opening x: Permission denied; ask");
  }
}

}  // namespace
}  // namespace expertoire
