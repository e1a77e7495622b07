// What stands between the operators of an expression: literals, names, and what follows them.
#include <fmt/format.h>

#include <charconv>

#include "tokenizer/jinja_error.h"
#include "tokenizer/jinja_expression_parser.h"
#include "tokenizer/jinja_make.h"

namespace expertoire::jinja {

ExprPtr ExpressionParser::primary() {
  switch (tokens_.current().kind) {
    case TokenKind::kName: return name_or_constant();
    case TokenKind::kString: return string();
    case TokenKind::kInteger: return integer();
    default: break;
  }
  if (tokens_.at_operator("(")) return parenthesis();
  if (tokens_.at_operator("[")) return list();
  if (tokens_.at_operator("{")) return dict();
  throw_syntax(tokens_.line(), tokens_.describe(), "an expression");
}

ExprPtr ExpressionParser::name_or_constant() {
  const Token name = tokens_.next();
  if (name.text == "true" || name.text == "True") return constant(ExprKind::kBool, name.line, 1);
  if (name.text == "false" || name.text == "False") return constant(ExprKind::kBool, name.line, 0);
  if (name.text == "none" || name.text == "None") return constant(ExprKind::kNone, name.line);
  return make(ExprKind::kName, name.line, name.text);
}

ExprPtr ExpressionParser::string() {
  ExprPtr literal = make(ExprKind::kText, tokens_.line(), "");
  while (tokens_.at(TokenKind::kString)) literal->text += tokens_.next().text;
  return literal;
}

ExprPtr ExpressionParser::integer() {
  const Token digits = tokens_.next();
  const char* end = digits.text.data() + digits.text.size();
  int64_t number = 0;
  const bool zeros = digits.text.find_first_not_of('0') == std::string::npos;
  if (digits.text[0] == '0' && !zeros) throw_syntax(digits.line, "the number " + digits.text);
  if (std::from_chars(digits.text.data(), end, number).ec != std::errc()) {
    throw_unsupported(digits.line, "a number beyond 64 bits");
  }
  return constant(ExprKind::kInteger, digits.line, number);
}

ExprPtr ExpressionParser::parenthesis() {
  const int line = tokens_.next().line;
  if (tokens_.skip_operator(")")) return make(ExprKind::kTuple, line, "");
  ExprPtr inside = tuple();
  tokens_.expect_operator(")");
  return inside;
}

ExprPtr ExpressionParser::list() {
  ExprPtr list = make(ExprKind::kList, tokens_.next().line, "");
  while (!tokens_.at_operator("]")) {
    if (!list->parts.empty()) tokens_.expect_operator(",");
    if (!tokens_.at_operator("]")) list->parts.push_back(expression());
  }
  tokens_.next();
  return checked(std::move(list));
}

ExprPtr ExpressionParser::dict() {
  ExprPtr dict = make(ExprKind::kDict, tokens_.next().line, "");
  while (!tokens_.at_operator("}")) {
    if (!dict->parts.empty()) tokens_.expect_operator(",");
    if (tokens_.at_operator("}")) break;
    dict->parts.push_back(expression());
    tokens_.expect_operator(":");
    dict->parts.push_back(expression());
  }
  tokens_.next();
  return checked(std::move(dict));
}

ExprPtr ExpressionParser::postfix(ExprPtr base) {
  while (true) {
    if (tokens_.at_operator(".")) {
      base = attribute(std::move(base));
    } else if (tokens_.at_operator("[")) {
      base = subscript(std::move(base));
    } else if (tokens_.at_operator("(")) {
      base = call(std::move(base));
    } else {
      return base;
    }
  }
}

ExprPtr ExpressionParser::filters(ExprPtr base) {
  while (true) {
    if (tokens_.at_operator("|")) {
      base = filter(std::move(base));
    } else if (tokens_.at_name("is")) {
      base = test(std::move(base));
    } else if (tokens_.at_operator("(")) {
      base = call(std::move(base));
    } else {
      return base;
    }
  }
}

ExprPtr ExpressionParser::attribute(ExprPtr base) {
  const int line = tokens_.next().line;
  if (tokens_.at(TokenKind::kInteger)) {
    ExprPtr index = integer();
    return checked(make(ExprKind::kItem, line, "", std::move(base), std::move(index)));
  }
  return checked(make(ExprKind::kAttribute, line, tokens_.expect_any_name(), std::move(base)));
}

ExprPtr ExpressionParser::subscript(ExprPtr base) {
  const int line = tokens_.next().line;
  ExprPtr bounds[3];
  size_t colons = 0;
  while (!tokens_.at_operator("]") && !tokens_.at_operator(",")) {
    if (tokens_.at_operator(":")) {
      if (++colons > 2) break;
      tokens_.next();
    } else if (bounds[colons] == nullptr) {
      bounds[colons] = expression();
    } else {
      break;
    }
  }
  if (tokens_.at_operator(",")) throw_unsupported(line, "a comma in a subscript");
  if (colons == 0 && bounds[0] == nullptr) throw_unsupported(line, "an empty subscript");
  tokens_.expect_operator("]");
  if (colons == 0)
    return checked(make(ExprKind::kItem, line, "", std::move(base), std::move(bounds[0])));
  return checked(make(ExprKind::kSlice, line, "", std::move(base), std::move(bounds[0]),
                      std::move(bounds[1]), std::move(bounds[2])));
}

ExprPtr ExpressionParser::call(ExprPtr callee) {
  ExprPtr expr = make(ExprKind::kCall, tokens_.line(), "", std::move(callee));
  Arguments given = arguments();
  for (ExprPtr& value : given.values) expr->parts.push_back(std::move(value));
  expr->names = std::move(given.names);
  return checked(std::move(expr));
}

ExprPtr ExpressionParser::filter(ExprPtr base) {
  tokens_.next();
  ExprPtr expr =
      make(ExprKind::kFilter, tokens_.line(), tokens_.expect_any_name(), std::move(base));
  if (tokens_.at_operator("(")) {
    Arguments given = arguments();
    for (ExprPtr& value : given.values) expr->parts.push_back(std::move(value));
    expr->names = std::move(given.names);
  }
  return checked(std::move(expr));
}

ExprPtr ExpressionParser::test(ExprPtr base) {
  const int line = tokens_.next().line;
  const bool negated = tokens_.skip_name("not");
  ExprPtr expr = make(ExprKind::kTest, line, tokens_.expect_any_name(), std::move(base));
  const TokenKind kind = tokens_.current().kind;
  const bool operand = kind == TokenKind::kName || kind == TokenKind::kString ||
                       kind == TokenKind::kInteger || tokens_.at_operator("[") ||
                       tokens_.at_operator("{");
  if (tokens_.at_operator("(")) {
    Arguments given = arguments();
    for (ExprPtr& value : given.values) expr->parts.push_back(std::move(value));
    expr->names = std::move(given.names);
  } else if (operand && !tokens_.at_name("else") && !tokens_.at_name("or") &&
             !tokens_.at_name("and")) {
    if (tokens_.at_name("is")) throw_syntax(line, "two tests in a row");
    expr->parts.push_back(postfix(primary()));
  }
  expr = checked(std::move(expr));
  return negated ? checked(make(ExprKind::kNot, line, "", std::move(expr))) : std::move(expr);
}

ExpressionParser::Arguments ExpressionParser::arguments() {
  Arguments given;
  tokens_.expect_operator("(");
  while (!tokens_.at_operator(")")) {
    if (!given.values.empty()) tokens_.expect_operator(",");
    if (!tokens_.at_operator(")")) argument(given);
  }
  tokens_.next();
  return given;
}

void ExpressionParser::argument(Arguments& given) {
  const Token& token = tokens_.current();
  if (tokens_.at_operator("*") || tokens_.at_operator("**")) {
    throw_unsupported(token.line, fmt::format("{} before an argument", token.text));
  }
  if (token.kind == TokenKind::kName &&
      TokenStream::is(tokens_.look(), TokenKind::kOperator, "=")) {
    given.names.push_back(tokens_.next().text);
    tokens_.next();
  } else if (!given.names.empty()) {
    throw_syntax(token.line, "an argument without a name after one with a name");
  }
  given.values.push_back(expression());
}

}  // namespace expertoire::jinja
