#include "io/document_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "support/errors.h"
#include "support/gzip.h"

namespace expertoire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// "text" in training, "(text)" held out.
std::vector<std::string> documents_of(const std::string& path, const DocumentOptions& options) {
  DocumentSource source(path, options);
  std::vector<std::string> all;
  while (auto document = source.next()) {
    all.push_back(document->held_out ? "(" + document->text + ")" : document->text);
  }
  return all;
}

std::string refusal(const std::string& path, const DocumentOptions& options = {}) {
  const auto error = test::error_of([&] { documents_of(path, options); });
  return error ? std::string(error_code_name(error->code())) + ": " + error->what() : "was read";
}

std::string rows(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "{\"text\": \"t" + std::to_string(i) + "\"}\n";
  return text;
}

DocumentOptions every(int64_t number, int64_t index, int64_t piece = 20000) {
  DocumentOptions options;
  options.hold_out.every = number;
  options.hold_out.index = index;
  options.hold_out.piece = piece;
  return options;
}

TEST(DocumentSourceTest, HoldsOutEveryNthRow) {
  const test::TempDir folder;
  const std::string path = test::write_gzip(folder, "a.jsonl.gz", rows(8));
  EXPECT_THAT(documents_of(path, every(3, 2)),
              ElementsAre("t0", "t1", "(t2)", "t3", "t4", "(t5)", "t6", "t7"));
  EXPECT_THAT(documents_of(path, every(4, 0)),
              ElementsAre("(t0)", "t1", "t2", "t3", "(t4)", "t5", "t6", "t7"));
  EXPECT_THAT(documents_of(path, every(0, 0)),
              ElementsAre("t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"));
}

// Otherwise a row that somebody empties would move all later ones to the other split.
TEST(DocumentSourceTest, EmptyRowsCountAndBlankLinesDoNot) {
  const test::TempDir folder;
  const std::string path =
      folder.write("a.jsonl", "{\"text\": \"\"}\n\n  \n{\"text\": \"one\"}\n{\"text\": \"two\"}");
  EXPECT_THAT(documents_of(path, every(2, 1)), ElementsAre("(one)", "two"));
}

TEST(DocumentSourceTest, HoldsOutRowsOfAGivenSplitBesides) {
  const test::TempDir folder;
  DocumentOptions options = every(4, 3);
  options.hold_out.field = "split";
  options.hold_out.value = "validation";
  const std::string path = folder.write("a.jsonl", R"({"text": "a", "split": "validation"}
{"text": "b", "split": "train"}
{"text": "c"}
{"text": "d", "split": "train"}
{"text": "e", "split": ["validation"]})");
  EXPECT_THAT(documents_of(path, options), ElementsAre("(a)", "b", "c", "(d)", "e"));
}

TEST(DocumentSourceTest, ReadsTheLicenceOfARow) {
  const test::TempDir folder;
  DocumentOptions options;
  options.licence = "@license";
  const std::string good = folder.write("a.jsonl", R"({"text": "a", "license": "MIT"})");
  EXPECT_EQ(DocumentSource(good, options).next()->licence, "MIT");
  options.licence = "CC0-1.0";
  EXPECT_EQ(DocumentSource(good, options).next()->licence, "CC0-1.0");
  options.licence = "@licence";
  EXPECT_THAT(refusal(good, options), HasSubstr("without a field \"licence\""));
  EXPECT_THAT(refusal(folder.write("a.txt", "a"), options),
              HasSubstr("invalid_argument: reading "));
}

// Pieces of 4 characters, the second of three held out: characters 4 to 7, 16 to 19, 28 to 31.
// Lines that touch one go with it, and what is left is joined.
TEST(DocumentSourceTest, HoldsOutTheLinesOfAPiece) {
  const test::TempDir folder;
  const std::string text = "ab\ncdef\ng\nh\nijklm\nn\nop\nqr\nstuvw\nx\nyz";
  //                        0   3     8  10 12     18 20  23  26     32 34
  EXPECT_THAT(
      documents_of(folder.write("a.txt", text), every(3, 1, 4)),
      ElementsAre("ab\n", "(cdef\n)", "g\nh\n", "(ijklm\nn\n)", "op\nqr\n", "(stuvw\n)", "x\nyz"));
  EXPECT_THAT(documents_of(folder.path() + "/a.txt", every(0, 0, 4)), ElementsAre(text));
}

// The ends of lines in between belong to the text, and characters are not bytes.
TEST(DocumentSourceTest, CountsCharactersAndKeepsBytes) {
  const test::TempDir folder;
  const std::string text = "äöü\r\n\n€uro\n";  // 5, 1 and 5 characters
  EXPECT_THAT(documents_of(folder.write("a.txt", text), every(2, 1, 6)),
              ElementsAre("äöü\r\n\n", "(€uro\n)"));
}

// Our rule (every 10th) holds out all that olmoe-small's did (every 20th row, every 50th piece).
TEST(DocumentSourceTest, ATenthHoldsATwentieth) {
  const HoldOut ours = every(10, 7).hold_out;
  const HoldOut rows = every(20, 7).hold_out, pieces = every(50, 7).hold_out;
  int held = 0;
  for (int i = 0; i < 1000; ++i) {
    held += ours.holds(i) ? 1 : 0;
    EXPECT_TRUE(ours.holds(i) || (!rows.holds(i) && !pieces.holds(i))) << i;
  }
  EXPECT_EQ(held, 100);
}

TEST(DocumentSourceTest, RefusesWhatItCannotRead) {
  const test::TempDir folder;
  EXPECT_THAT(refusal(folder.write("a.csv", "a")), HasSubstr(".jsonl, .jsonl.gz, .txt or .txt.gz"));
  EXPECT_THAT(refusal(folder.write("a.jsonl", rows(2) + "{\"text\": 3}\n")),
              HasSubstr("a.jsonl line 3: field \"text\" is 3"));
  EXPECT_THAT(refusal(folder.write("b.jsonl", "{\"text\": \"a\"}\n[1]\n")),
              HasSubstr("b.jsonl line 2: [1] without a field \"text\""));
  EXPECT_THAT(refusal(folder.write("c.jsonl", "{\"text\": \"a\n")), HasSubstr("c.jsonl line 1"));
  const std::string good = folder.write("d.jsonl", rows(1));
  EXPECT_THAT(refusal(good, every(3, 3)), HasSubstr("number 3 of every 3 documents"));
  EXPECT_THAT(refusal(good, every(3, 1, 0)), HasSubstr("pieces of 0 characters"));
}

}  // namespace
}  // namespace expertoire
