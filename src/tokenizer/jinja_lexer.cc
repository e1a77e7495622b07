#include "tokenizer/jinja_lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tokenizer/jinja_error.h"
#include "tokenizer/jinja_string_literal.h"
#include "tokenizer/jinja_text.h"
#include "tokenizer/unicode.h"

namespace expertoire::jinja {
namespace {

using std::string_view;

// Longer ones first.
constexpr std::array<string_view, 26> kOperators = {
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
    "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_char(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// Line ends become \n; one at the very end is dropped.
std::string normalise(string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    const bool carriage = source[i] == '\r';
    if (carriage && i + 1 < source.size() && source[i + 1] == '\n') ++i;
    out += carriage ? '\n' : source[i];
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(string_view source) : owned_(normalise(source)), source_(owned_) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) {
      const size_t tag = next_tag();
      text_before(tag);
      if (tag == source_.size()) break;
      const char kind = source_[tag + 1];
      at_ = tag + 2;
      if (at_ < source_.size() && (source_[at_] == '-' || source_[at_] == '+')) ++at_;
      if (kind == '#') {
        comment();
      } else {
        tag_body(kind == '%');
      }
    }
    push(TokenKind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  string_view rest() const { return source_.substr(at_); }
  void push(TokenKind kind, std::string text) { tokens_.push_back({kind, std::move(text), line_}); }
  void advance(size_t count) {
    line_ +=
        static_cast<int>(std::count(source_.begin() + at_, source_.begin() + at_ + count, '\n'));
    at_ += count;
  }
  size_t white_space() const { return rest().size() - strip(rest(), Side::kLeft).size(); }

  size_t next_tag() const {
    size_t tag = at_;
    while ((tag = source_.find('{', tag)) != string_view::npos && tag + 1 < source_.size()) {
      if (string_view("%{#").find(source_[tag + 1]) != string_view::npos) return tag;
      ++tag;
    }
    return source_.size();
  }

  // The text up to `tag`, less what the tag's sign or lstrip_blocks takes away.
  void text_before(size_t tag) {
    const string_view raw = source_.substr(at_, tag - at_);
    const char kind = tag + 1 < source_.size() ? source_[tag + 1] : '\0';
    const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    string_view text = raw;
    if (kind != '\0' && sign == '-') {
      text = strip(raw, Side::kRight);
    } else if (kind != '\0' && sign != '+' && kind != '{') {
      const size_t line_start = raw.rfind('\n') + 1;  // 0 when there is none
      const bool at_line_start = line_start > 0 || at_ == 0 || source_[at_ - 1] == '\n';
      if (at_line_start && strip(raw.substr(line_start)).empty()) text = raw.substr(0, line_start);
    }
    if (!text.empty()) push(TokenKind::kText, std::string(text));
    advance(raw.size());
  }

  void comment() {
    const int line = line_;
    const size_t end = source_.find("#}", at_);
    if (end == string_view::npos) throw_syntax(line, "a comment without its end");
    const char sign = end > at_ ? source_[end - 1] : '\0';
    advance(end - at_ + 2);
    after_end(sign, true);
  }

  // White space behind an end tag: all after a minus, one line end when `trim` and no plus.
  void after_end(char sign, bool trim) {
    if (sign == '-') {
      advance(white_space());
    } else if (sign != '+' && trim && rest().starts_with('\n')) {
      advance(1);
    }
  }

  void tag_body(bool block) {
    const int line = line_;
    push(block ? TokenKind::kBlockBegin : TokenKind::kVariableBegin, "");
    brackets_.clear();
    while (!tag_end(block)) {
      if (at_ >= source_.size()) throw_syntax(line, "a tag without its end");
      if (const size_t space = white_space(); space > 0) {
        advance(space);
      } else {
        token();
      }
      refuse_raw();
    }
  }

  // Its content follows other rules.
  void refuse_raw() const {
    if (tokens_.back().kind == TokenKind::kName && tokens_.back().text == "raw" &&
        tokens_[tokens_.size() - 2].kind == TokenKind::kBlockBegin) {
      throw_unsupported(line_, "the block raw");
    }
  }

  // Inside brackets, what looks like an end is not one.
  bool tag_end(bool block) {
    if (!brackets_.empty()) return false;
    const string_view end = block ? "%}" : "}}";
    const char sign = rest().empty() ? '\0' : rest()[0];
    const bool has_sign = sign == '-' || (block && sign == '+');
    if (!rest().substr(has_sign ? 1 : 0).starts_with(end)) return false;
    push(block ? TokenKind::kBlockEnd : TokenKind::kVariableEnd, "");
    at_ += end.size() + (has_sign ? 1 : 0);
    after_end(has_sign ? sign : '\0', block);
    return true;
  }

  void token() {
    const char c = source_[at_];
    if (is_digit(c)) {
      number();
    } else if (is_name_char(c)) {
      const size_t size = name_size();
      push(TokenKind::kName, std::string(rest().substr(0, size)));
      at_ += size;
    } else if (c == '\'' || c == '"') {
      string_literal();
    } else {
      operator_token();
    }
  }

  size_t name_size() const {
    size_t size = 0;
    while (size < rest().size() && is_name_char(rest()[size])) ++size;
    return size;
  }

  void number() {
    size_t size = 0;
    while (size < rest().size() && is_digit(rest()[size])) ++size;
    const string_view after = rest().substr(size);
    const bool fraction = after.size() > 1 && after[0] == '.' && is_digit(after[1]);
    // x.0.1 indexes twice
    const bool index = at_ > 0 && source_[at_ - 1] == '.';
    if ((fraction && !index) || (!after.empty() && is_name_char(after[0]))) {
      throw_unsupported(line_, fmt::format("the number {}", rest().substr(0, size + 2)));
    }
    push(TokenKind::kInteger, std::string(rest().substr(0, size)));
    at_ += size;
  }

  void string_literal() {
    const char quote = source_[at_];
    size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) throw_syntax(line_, "a string without its end");
    push(TokenKind::kString, unescape(source_.substr(at_ + 1, end - at_ - 1), line_));
    advance(end + 1 - at_);
  }

  void operator_token() {
    for (string_view op : kOperators) {
      if (!rest().starts_with(op)) continue;
      bracket(op[0]);
      push(TokenKind::kOperator, std::string(op));
      at_ += op.size();
      return;
    }
    const string_view character = rest().substr(0, utf8_length(source_[at_]));
    if (character.size() > 1) throw_unsupported(line_, fmt::format("the name {}", character));
    throw_syntax(line_, fmt::format("\"{}\" in a tag", character));
  }

  void bracket(char c) {
    if (c == '(' || c == '[' || c == '{') {
      brackets_ += c == '(' ? ')' : c == '[' ? ']' : '}';
    } else if (c == ')' || c == ']' || c == '}') {
      if (!brackets_.ends_with(c))
        throw_syntax(line_, fmt::format("\"{}\" that closes nothing", c));
      brackets_.pop_back();
    }
  }

  std::string owned_;
  string_view source_;
  size_t at_ = 0;
  int line_ = 1;
  std::string brackets_;  // the closing ones that are still to come
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(string_view source) { return Lexer(source).run(); }

}  // namespace expertoire::jinja
