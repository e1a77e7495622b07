// A chat template as tokens, with Jinja's whitespace control already applied.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace expertoire::jinja {

enum class TokenKind {
  kText,           ///< text outside of tags
  kVariableBegin,  ///< {{
  kVariableEnd,    ///< }}
  kBlockBegin,     ///< {%
  kBlockEnd,       ///< %}
  kName,
  kString,  ///< a literal; `text` is its value
  kInteger,
  kOperator,
  kEnd,  ///< of the template; always the last token
};

struct Token {
  TokenKind kind;
  std::string text;
  int line;
};

/// As jinja2 with trim_blocks and lstrip_blocks; comments are gone. `source` must be UTF-8.
/// Errors: kBadFile, kUnsupported (raw blocks, numbers that are not whole).
std::vector<Token> tokenize(std::string_view source);

}  // namespace expertoire::jinja
