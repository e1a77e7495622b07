#include "train/sha256.h"

#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/temp_dir.h"

namespace expertoire::train {
namespace {

// FIPS 180-2, appendix B.
constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Sha256Test, EqualsThePublishedExample) {
  EXPECT_EQ(sha256_of("abc"), kAbc);
  Sha256 pieces;
  pieces.add("a");
  pieces.add("");
  pieces.add("bc");
  EXPECT_EQ(pieces.hex(), kAbc);
}

TEST(Sha256Test, ReadsFiles) {
  const test::TempDir folder;
  EXPECT_EQ(sha256_of_file(folder.write("a", "abc")), kAbc);
  const std::string large(300000, 'x');
  EXPECT_EQ(sha256_of_file(folder.write("b", large)), sha256_of(large));
  EXPECT_EQ(test::error_of([&] { sha256_of_file(folder.file("c")); })->code(),
            ErrorCode::kNotFound);
  EXPECT_EQ(test::error_of([&] { sha256_of_file(folder.path()); })->code(), ErrorCode::kIo);
}

TEST(Sha256Test, KnowsItsForm) {
  EXPECT_TRUE(is_sha256(kAbc));
  EXPECT_FALSE(is_sha256(std::string(64, 'g')));
  EXPECT_FALSE(is_sha256(std::string(63, 'a')));
}

}  // namespace
}  // namespace expertoire::train
