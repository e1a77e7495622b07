#include "io/gzip_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "support/errors.h"
#include "support/gzip.h"

namespace expertoire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> lines_of(const std::string& path) {
  GzipLines lines(path);
  std::vector<std::string> all;
  while (auto line = lines.next()) all.push_back(*line);
  return all;
}

std::string refusal(const std::string& path) {
  const auto error = test::error_of([&] { lines_of(path); });
  return error ? std::string(error_code_name(error->code())) + ": " + error->what() : "was read";
}

// Long enough for several pieces, and not periodic in them.
std::string long_text() {
  std::string text;
  for (int i = 0; i < 60000; ++i) text += "line " + std::to_string(int64_t{i} * i) + "\n";
  return text;
}

TEST(GzipLinesTest, GivesLinesWithTheirEnds) {
  const test::TempDir folder;
  EXPECT_THAT(lines_of(folder.write("a.txt", "one\n\r\n\ntwo")),
              ElementsAre("one\n", "\r\n", "\n", "two"));
  EXPECT_THAT(lines_of(test::write_gzip(folder, "a.txt.gz", "one\ntwo\n")),
              ElementsAre("one\n", "two\n"));
  EXPECT_THAT(lines_of(folder.write("b.txt", "\xef\xbb\xbfone\n\xef\xbb\xbftwo")),
              ElementsAre("one\n", "\xef\xbb\xbftwo"));
  EXPECT_THAT(lines_of(folder.write("c.txt", "")), ElementsAre());
}

TEST(GzipLinesTest, LosesNothingBetweenPieces) {
  const test::TempDir folder;
  const std::string text = long_text();
  std::string joined;
  for (const std::string& line : lines_of(test::write_gzip(folder, "a.gz", text))) joined += line;
  EXPECT_EQ(joined, text);
}

TEST(GzipLinesTest, SaysHowFarItIs) {
  const test::TempDir folder;
  GzipLines lines(test::write_gzip(folder, "a.gz", long_text()));
  EXPECT_GT(lines.bytes_total(), 1000);
  int64_t previous = 0;
  while (lines.next()) {
    EXPECT_GE(lines.bytes_read(), previous);
    previous = lines.bytes_read();
  }
  EXPECT_EQ(previous, lines.bytes_total());
  EXPECT_EQ(lines.line(), 60000);
}

TEST(GzipLinesTest, RefusesDamagedFiles) {
  const test::TempDir folder;
  const std::string whole = test::read_bytes(test::write_gzip(folder, "a.gz", long_text()));
  EXPECT_THAT(refusal(folder.write("short.gz", whole.substr(0, whole.size() / 2))),
              HasSubstr("bad_file: reading " + folder.file("short.gz") +
                        ": damaged compressed data after line "));
  EXPECT_THAT(refusal(folder.write("cut.gz", whole.substr(0, whole.size() - 4))),
              HasSubstr("damaged compressed data after line 60000"));
  std::string changed = whole;
  changed[whole.size() / 2] = static_cast<char>(changed[whole.size() / 2] ^ 1);
  EXPECT_THAT(refusal(folder.write("changed.gz", changed)), HasSubstr("damaged compressed data"));
  EXPECT_THAT(refusal(folder.write("plain.gz", "text\n")), HasSubstr("not compressed by gzip"));
}

TEST(GzipLinesTest, RefusesWhatIsNoText) {
  const test::TempDir folder;
  EXPECT_THAT(refusal(folder.write("a.txt", "good\nb\xff\x61\n")),
              HasSubstr("a.txt line 2: a byte that is not UTF-8 at offset 1"));
  EXPECT_THAT(refusal(folder.file("none.txt")), HasSubstr("not_found: "));
  EXPECT_THAT(refusal(folder.path()), HasSubstr("not a regular file"));
}

}  // namespace
}  // namespace expertoire
