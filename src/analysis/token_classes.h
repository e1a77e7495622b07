// Words and classes of tokens, read off the text around them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/passages.h"

namespace expertoire {

/// What a token is, beside its text. From kKeyword on, in code only.
enum class TokenClass : uint8_t {
  kDigits,
  kPunctuation,
  kCapitalised,  ///< the word that it begins has one capital, its first letter
  kUpperCase,    ///< of a word of two capitals or more
  kWordStart,
  kWordInside,
  kWhitespace,
  kNewline,
  kIndent,  ///< white space that begins a line
  kNonAscii,
  kKeyword,
  kOperator,
  kBracket,
  kString,
  kComment,
};
inline constexpr std::string_view kTokenClassNames[] = {
    "digits",     "punctuation", "capitalised", "upper case", "word start",
    "word piece", "white space", "new line",    "indent",     "not ASCII",
    "keyword",    "operator",    "bracket",     "string",     "comment"};

/// A stretch of text as its tokens and words. A word is a run of letters, digits, underscores and
/// bytes that are not ASCII; classes of code are read where the stretch looks like code.
class TokenisedText {
 public:
  explicit TokenisedText(std::span<const std::string> pieces);

  int64_t tokens() const { return text_.tokens(); }
  std::string_view piece(int64_t token) const;
  std::vector<TokenClass> classes(int64_t token) const;
  /// Words in lower case (ASCII letters), in order.
  const std::vector<std::string>& words() const { return words_; }
  /// Index of the first word with bytes in the token, or −1.
  int64_t word(int64_t token) const;
  /// Words whose last byte lies before the token's, its own left out.
  int64_t words_before(int64_t token) const;
  bool code() const { return code_; }

 private:
  struct Span {
    uint32_t begin = 0, end = 0;
  };
  void find_words();
  void find_code();
  void add_blank_classes(Span core, std::vector<TokenClass>& classes) const;
  void add_word_classes(int64_t word, Span core, std::vector<TokenClass>& classes) const;
  void add_code_classes(int64_t word, Span core, std::vector<TokenClass>& classes) const;
  Span core(int64_t token) const;

  TokenText text_;
  std::vector<Span> spans_;         // of words_
  std::vector<std::string> words_;  // in lower case
  bool code_ = false;
  std::vector<uint8_t> quoted_;  // by byte, of code: 1 in a string, 2 in a comment
};

}  // namespace expertoire
