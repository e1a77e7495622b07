#include "analysis/token_classes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace expertoire {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

using Pieces = std::vector<std::string>;

std::vector<std::string> classes(const Pieces& pieces, int64_t token) {
  std::vector<std::string> names;
  for (const TokenClass c : TokenisedText(pieces).classes(token)) {
    names.emplace_back(kTokenClassNames[static_cast<size_t>(c)]);
  }
  return names;
}

TEST(TokenClassesTest, ProseHasWordsAndTheirParts) {
  const Pieces text = {"The", " Mito", "chond", "ria", ",", " DNA", " 42", ".", "\n", "  "};
  EXPECT_THAT(classes(text, 0), ElementsAre("word start", "capitalised"));
  EXPECT_THAT(classes(text, 1), ElementsAre("word start", "capitalised"));
  EXPECT_THAT(classes(text, 2), ElementsAre("word piece"));
  EXPECT_THAT(classes(text, 4), ElementsAre("punctuation"));
  EXPECT_THAT(classes(text, 5), ElementsAre("word start", "upper case"));
  EXPECT_THAT(classes(text, 6), ElementsAre("digits", "word start"));
  EXPECT_THAT(classes(text, 8), ElementsAre("new line"));
  EXPECT_THAT(classes(text, 9), ElementsAre("white space", "indent"));
  EXPECT_THAT(TokenisedText(text).words(), ElementsAre("the", "mitochondria", "dna", "42"));
  EXPECT_FALSE(TokenisedText(text).code());
}

TEST(TokenClassesTest, WordsOfAToken) {
  const Pieces pieces = {"an", " elec", "tron", " (", "one", ")"};
  const TokenisedText text(pieces);
  EXPECT_EQ(text.word(2), 1);
  EXPECT_EQ(text.word(3), -1);
  EXPECT_EQ(text.words_before(1), 1);
  EXPECT_EQ(text.words_before(2), 1);  // its own word does not lie before it
  EXPECT_EQ(text.words_before(3), 2);
  EXPECT_EQ(text.words_before(5), 3);
}

TEST(TokenClassesTest, CodeHasConstructs) {
  const Pieces text = {"for", " (", "int", " i",  " =",  " 0", ";",  " s",     " =", " \"", "if",
                       "\"",  ")",  " {",  " //", " if", "\n", "  ", "return", " x", ";"};
  EXPECT_THAT(classes(text, 0), Contains("keyword"));
  EXPECT_THAT(classes(text, 1), Contains("bracket"));
  EXPECT_THAT(classes(text, 4), Contains("operator"));
  EXPECT_THAT(classes(text, 10), Contains("string"));
  EXPECT_THAT(classes(text, 10), Not(Contains("keyword")));
  EXPECT_THAT(classes(text, 15), Contains("comment"));
  EXPECT_THAT(classes(text, 18), Contains("keyword"));
  EXPECT_THAT(classes(text, 17), Contains("indent"));
  EXPECT_THAT(classes(text, 19), Not(Contains("comment")));
}

TEST(TokenClassesTest, ProseHasNoKeywords) {
  const Pieces text = {"if", " it", " is", " true", " then", " return", " home", "."};
  EXPECT_THAT(classes(text, 0), Not(Contains("keyword")));
}

TEST(TokenClassesTest, PartsOfACharacterHaveNoClass) {
  const Pieces text = {"caf", "", "é", " x"};
  EXPECT_THAT(classes(text, 1), ElementsAre());
  EXPECT_THAT(classes(text, 2), Contains("not ASCII"));
}

}  // namespace
}  // namespace expertoire
