#include "io/gzip.h"

#include <gtest/gtest.h>

#include "io/gzip_lines.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

std::string unpacked(const std::string& bytes) {
  const test::TempDir dir;
  GzipLines lines(dir.write("x.gz", bytes));
  std::string all;
  while (const auto line = lines.next()) all += *line;
  return all;
}

TEST(GzipTest, ComesBackAsItWas) {
  std::string text;
  for (int i = 0; i < 30000; ++i) text += std::to_string(i * 7919 % 10007) + "\n";
  const std::string packed = gzip(text);
  EXPECT_LT(packed.size(), text.size());
  EXPECT_EQ(unpacked(packed), text);
  EXPECT_EQ(packed, gzip(text));
  EXPECT_EQ(unpacked(gzip("one line")), "one line");
  EXPECT_EQ(unpacked(gzip("")), "");
}

}  // namespace
}  // namespace expertoire
