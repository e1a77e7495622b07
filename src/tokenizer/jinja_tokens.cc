#include "tokenizer/jinja_tokens.h"

#include <fmt/format.h>

#include "tokenizer/jinja_error.h"

namespace expertoire::jinja {
namespace {

std::string kind_name(TokenKind kind) {
  switch (kind) {
    case TokenKind::kText: return "text";
    case TokenKind::kVariableBegin: return "{{";
    case TokenKind::kVariableEnd: return "}}";
    case TokenKind::kBlockBegin: return "{%";
    case TokenKind::kBlockEnd: return "%}";
    case TokenKind::kName: return "a name";
    case TokenKind::kString: return "a string";
    case TokenKind::kInteger: return "a number";
    case TokenKind::kOperator: return "an operator";
    case TokenKind::kEnd: return "the end of the template";
  }
  return "";
}

}  // namespace

const Token& TokenStream::next() {
  const Token& token = current();
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool TokenStream::skip_operator(std::string_view text) {
  if (!at_operator(text)) return false;
  next();
  return true;
}

bool TokenStream::skip_name(std::string_view text) {
  if (!at_name(text)) return false;
  next();
  return true;
}

void TokenStream::expect(TokenKind kind) {
  if (!at(kind)) fail(kind_name(kind));
  next();
}

void TokenStream::expect_operator(std::string_view text) {
  if (!skip_operator(text)) fail(fmt::format("\"{}\"", text));
}

void TokenStream::expect_name(std::string_view text) {
  if (!skip_name(text)) fail(fmt::format("\"{}\"", text));
}

std::string TokenStream::expect_any_name() {
  if (!at(TokenKind::kName)) fail(kind_name(TokenKind::kName));
  return next().text;
}

std::string TokenStream::describe() const {
  const Token& token = current();
  return token.kind == TokenKind::kName || token.kind == TokenKind::kOperator
             ? fmt::format("\"{}\"", token.text)
             : kind_name(token.kind);
}

void TokenStream::fail(const std::string& expected) const {
  throw_syntax(line(), describe(), expected);
}

}  // namespace expertoire::jinja
