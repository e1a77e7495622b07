// Reading the tokens of a template one by one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/jinja_lexer.h"

namespace expertoire::jinja {

class TokenStream {
 public:
  explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& current() const { return tokens_[at_]; }
  const Token& look() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  int line() const { return current().line; }
  /// The current token; the stream moves on (never beyond the end).
  const Token& next();

  bool at(TokenKind kind) const { return current().kind == kind; }
  bool at_operator(std::string_view text) const {
    return is(current(), TokenKind::kOperator, text);
  }
  bool at_name(std::string_view text) const { return is(current(), TokenKind::kName, text); }
  static bool is(const Token& token, TokenKind kind, std::string_view text) {
    return token.kind == kind && token.text == text;
  }

  /// Moves past the token if it is the current one.
  bool skip_operator(std::string_view text);
  bool skip_name(std::string_view text);

  /// Errors: kBadFile when another token is there.
  void expect(TokenKind kind);
  void expect_operator(std::string_view text);
  void expect_name(std::string_view text);
  std::string expect_any_name();

  /// "the current token" for error messages.
  std::string describe() const;

 private:
  [[noreturn]] void fail(const std::string& expected) const;

  std::vector<Token> tokens_;
  size_t at_ = 0;
};

}  // namespace expertoire::jinja
