#include "cli/common.h"

#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/temp_dir.h"

namespace expertoire::cli {
namespace {

TEST(ProgressTextTest, CountsWhatThisRunDid) {
  EXPECT_EQ(progress_text("texts", {}, {150, 0.25}, 15), "150 texts, 10.0/s, 25 %, 0:45 left");
  EXPECT_EQ(progress_text("texts", {}, {150, std::nullopt}, 15), "150 texts, 10.0/s");
  EXPECT_EQ(progress_text("texts", {}, {0, 0.0}, 15), "0 texts, 0.0/s");
  // Resumed at a half: 100 texts and a tenth of the work in 20 s, four tenths to go.
  EXPECT_EQ(progress_text("texts", {500, 0.5}, {600, 0.6}, 20),
            "600 texts, 5.0/s, 60 %, 1:20 left");
}

TEST(FileHashTest, IsThatOfTheContent) {
  const test::TempDir dir;
  const std::string content(300'000, 'x');
  dir.write("a", content);
  EXPECT_EQ(file_hash(dir.file("a")), content_hash(content));
  const auto absent = test::error_of([&] { file_hash(dir.file("b")); });
  ASSERT_TRUE(absent);
  EXPECT_EQ(absent->code(), ErrorCode::kNotFound);
  const auto folder = test::error_of([&] { file_hash(dir.path()); });
  ASSERT_TRUE(folder);
  EXPECT_EQ(folder->code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace expertoire::cli
