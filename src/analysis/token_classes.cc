#include "analysis/token_classes.h"

#include <algorithm>
#include <cctype>

namespace expertoire {
namespace {

// Of Python, C++, Java, JavaScript, Lua and PHP, sorted.
constexpr std::string_view kKeywords[] = {
    "abstract",  "and",       "as",         "async",  "auto",  "await",   "bool",
    "boolean",   "break",     "case",       "catch",  "char",  "class",   "const",
    "continue",  "def",       "default",    "delete", "do",    "double",  "echo",
    "elif",      "else",      "elseif",     "end",    "enum",  "except",  "extends",
    "false",     "final",     "finally",    "float",  "for",   "foreach", "from",
    "function",  "if",        "implements", "import", "in",    "include", "int",
    "interface", "is",        "lambda",     "let",    "local", "long",    "namespace",
    "new",       "nil",       "none",       "not",    "null",  "or",      "package",
    "private",   "protected", "public",     "return", "self",  "static",  "string",
    "struct",    "switch",    "then",       "this",   "throw", "true",    "try",
    "void",      "while"};
static_assert(std::ranges::is_sorted(kKeywords));
constexpr std::string_view kBrackets = "()[]{}";
constexpr std::string_view kOperators = "+-*/%=<>!&|^~?:";
constexpr std::string_view kCodeMarks = "()[]{};=<>*&|$#/\\_";
// Share of code marks in text that is not blank, from which on it is read as code. (Of pieces of
// 130 characters of six languages 70 to 93 % have it, of textbooks without formulas 1 % or fewer.)
constexpr double kCodeShare = 0.06;
constexpr uint8_t kInString = 1, kInComment = 2;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter(char c) { return is_upper(c) || (c >= 'a' && c <= 'z'); }
bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }
bool is_of_word(char c) { return is_letter(c) || is_digit(c) || c == '_' || !is_ascii(c); }
bool all_of(std::string_view text, std::string_view set) {
  return text.find_first_not_of(set) == std::string_view::npos;
}

// Marks strings and comments, starting outside of both: a stretch may begin inside one, and then
// the first quote is taken for its beginning.
std::vector<uint8_t> mark_quoted(std::string_view text) {
  std::vector<uint8_t> marks(text.size());
  char quote = 0;           // that ends the open string
  std::string_view ending;  // of the open comment
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    if (!ending.empty()) {
      marks[i] = kInComment;
      if (rest.starts_with(ending)) {
        std::fill_n(marks.begin() + static_cast<std::ptrdiff_t>(i), ending.size(), kInComment);
        i += ending.size() - 1;
        ending = {};
      }
    } else if (quote != 0) {
      marks[i] = kInString;
      if (text[i] == '\\' && i + 1 < text.size()) {
        marks[++i] = kInString;
      } else if (text[i] == quote || (text[i] == '\n' && quote != '`')) {
        quote = 0;
      }
    } else if (rest.starts_with("//") || rest.starts_with("-- ") || text[i] == '#') {
      ending = "\n";
      marks[i] = kInComment;
    } else if (rest.starts_with("/*")) {
      ending = "*/";
      marks[i] = kInComment;
    } else if (text[i] == '"' || text[i] == '`' ||
               (text[i] == '\'' && (i == 0 || !is_of_word(text[i - 1])))) {
      quote = text[i];
      marks[i] = kInString;
    }
  }
  return marks;
}

}  // namespace

TokenisedText::TokenisedText(std::span<const std::string> pieces) : text_(join(pieces)) {
  find_words();
  find_code();
}

void TokenisedText::find_words() {
  const std::string& text = text_.text;
  for (uint32_t i = 0; i < text.size();) {
    uint32_t end = i;
    std::string word;
    for (; end < text.size() && is_of_word(text[end]); ++end) {
      word += is_upper(text[end]) ? static_cast<char>(text[end] + 'a' - 'A') : text[end];
    }
    if (end > i) {
      spans_.push_back({i, end});
      words_.push_back(std::move(word));
    }
    i = std::max(end, i + 1);
  }
}

void TokenisedText::find_code() {
  const std::string& text = text_.text;
  const auto blank = std::ranges::count_if(text, is_blank);
  const auto marks =
      std::ranges::count_if(text, [](char c) { return kCodeMarks.find(c) != kCodeMarks.npos; });
  const auto size = static_cast<int64_t>(text.size()) - blank;
  code_ = size > 0 && static_cast<double>(marks) >= kCodeShare * static_cast<double>(size);
  if (code_) quoted_ = mark_quoted(text);
}

std::string_view TokenisedText::piece(int64_t token) const {
  const auto at = static_cast<size_t>(token);
  const uint32_t begin = text_.begins[at];
  return std::string_view(text_.text).substr(begin, text_.begins[at + 1] - begin);
}

// The token without the white space before it.
TokenisedText::Span TokenisedText::core(int64_t token) const {
  const auto at = static_cast<size_t>(token);
  Span span{text_.begins[at], text_.begins[at + 1]};
  while (span.begin < span.end && is_blank(text_.text[span.begin])) ++span.begin;
  return span;
}

int64_t TokenisedText::word(int64_t token) const {
  const Span own = core(token);
  const auto found =
      std::ranges::partition_point(spans_, [&](const Span& span) { return span.end <= own.begin; });
  return found != spans_.end() && found->begin < own.end ? found - spans_.begin() : -1;
}

int64_t TokenisedText::words_before(int64_t token) const {
  const uint32_t begin = core(token).begin;
  return std::ranges::partition_point(spans_, [&](const Span& span) { return span.end <= begin; }) -
         spans_.begin();
}

std::vector<TokenClass> TokenisedText::classes(int64_t token) const {
  std::vector<TokenClass> classes;
  const Span own = core(token);
  const std::string_view core_text =
      std::string_view(text_.text).substr(own.begin, own.end - own.begin);
  if (core_text.empty()) {
    const auto at = static_cast<size_t>(token);
    add_blank_classes({text_.begins[at], own.end}, classes);
    return classes;
  }
  if (std::ranges::any_of(core_text, is_digit) && std::ranges::none_of(core_text, is_letter)) {
    classes.push_back(TokenClass::kDigits);
  }
  if (std::ranges::all_of(core_text, [](char c) { return std::ispunct(c) != 0 && is_ascii(c); })) {
    classes.push_back(TokenClass::kPunctuation);
  }
  if (!std::ranges::all_of(core_text, is_ascii)) classes.push_back(TokenClass::kNonAscii);
  const int64_t own_word = word(token);
  if (own_word >= 0) add_word_classes(own_word, own, classes);
  if (code_) add_code_classes(own_word, own, classes);
  return classes;
}

void TokenisedText::add_blank_classes(Span blank, std::vector<TokenClass>& classes) const {
  if (blank.begin == blank.end) return;  // a part of a character
  const std::string_view text =
      std::string_view(text_.text).substr(blank.begin, blank.end - blank.begin);
  const bool line = text.find('\n') != std::string_view::npos;
  const bool begins = blank.begin > 0 && text_.text[blank.begin - 1] == '\n';
  classes.push_back(line ? TokenClass::kNewline : TokenClass::kWhitespace);
  if (text.back() != '\n' && (line || begins)) classes.push_back(TokenClass::kIndent);
}

void TokenisedText::add_word_classes(int64_t word, Span core,
                                     std::vector<TokenClass>& classes) const {
  const Span span = spans_[static_cast<size_t>(word)];
  const std::string_view text =
      std::string_view(text_.text).substr(span.begin, span.end - span.begin);
  const auto capitals = std::ranges::count_if(text, is_upper);
  const auto letters = std::ranges::count_if(text, is_letter);
  const bool starts = span.begin >= core.begin;
  classes.push_back(starts ? TokenClass::kWordStart : TokenClass::kWordInside);
  if (capitals > 1 && capitals == letters) classes.push_back(TokenClass::kUpperCase);
  if (starts && capitals == 1 && is_upper(text.front())) {
    classes.push_back(TokenClass::kCapitalised);
  }
}

void TokenisedText::add_code_classes(int64_t word, Span core,
                                     std::vector<TokenClass>& classes) const {
  const uint8_t quoted = quoted_[core.begin];
  if (quoted == kInString) classes.push_back(TokenClass::kString);
  if (quoted == kInComment) classes.push_back(TokenClass::kComment);
  if (quoted != 0) return;
  const std::string_view text =
      std::string_view(text_.text).substr(core.begin, core.end - core.begin);
  if (word >= 0 &&
      std::ranges::binary_search(kKeywords, std::string_view(words_[static_cast<size_t>(word)]))) {
    classes.push_back(TokenClass::kKeyword);
  }
  if (all_of(text, kOperators)) classes.push_back(TokenClass::kOperator);
  if (all_of(text, kBrackets)) classes.push_back(TokenClass::kBracket);
}

}  // namespace expertoire
