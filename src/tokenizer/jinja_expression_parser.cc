#include "tokenizer/jinja_expression_parser.h"

#include <algorithm>
#include <array>

#include "tokenizer/jinja_error.h"
#include "tokenizer/jinja_make.h"

namespace expertoire::jinja {
namespace {

using std::string_view;

template <size_t N>
bool at_any(const TokenStream& tokens, const std::array<string_view, N>& operators) {
  return tokens.at(TokenKind::kOperator) &&
         std::find(operators.begin(), operators.end(), tokens.current().text) != operators.end();
}

}  // namespace

// One level of recursion of the parser.
struct ExpressionParser::Nesting {
  explicit Nesting(ExpressionParser& owner) : parser(owner) {
    if (++parser.nesting_ > kMaxNesting) throw_too_deep(parser.tokens_.line());
  }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;
  ~Nesting() { --parser.nesting_; }

  ExpressionParser& parser;
};

ExprPtr ExpressionParser::expression(bool with_condition) {
  return with_condition ? condition() : disjunction();
}

ExprPtr ExpressionParser::condition() {
  const Nesting level(*this);
  ExprPtr value = disjunction();
  while (tokens_.at_name("if")) {
    const int line = tokens_.next().line;
    ExprPtr test = disjunction();
    ExprPtr other = tokens_.skip_name("else") ? condition() : nullptr;
    value = checked(
        make(ExprKind::kCondition, line, "", std::move(test), std::move(value), std::move(other)));
  }
  return value;
}

ExprPtr ExpressionParser::disjunction() {
  ExprPtr left = conjunction();
  while (tokens_.at_name("or")) {
    const int line = tokens_.next().line;
    ExprPtr right = conjunction();
    left = checked(make(ExprKind::kOr, line, "", std::move(left), std::move(right)));
  }
  return left;
}

ExprPtr ExpressionParser::conjunction() {
  ExprPtr left = negation();
  while (tokens_.at_name("and")) {
    const int line = tokens_.next().line;
    ExprPtr right = negation();
    left = checked(make(ExprKind::kAnd, line, "", std::move(left), std::move(right)));
  }
  return left;
}

ExprPtr ExpressionParser::negation() {
  if (!tokens_.at_name("not")) return comparison();
  const Nesting level(*this);
  const int line = tokens_.next().line;
  return checked(make(ExprKind::kNot, line, "", negation()));
}

ExprPtr ExpressionParser::comparison() {
  static constexpr std::array<string_view, 6> kOperators = {"==", "!=", "<", "<=", ">", ">="};
  ExprPtr compare = make(ExprKind::kCompare, tokens_.line(), "", sum());
  while (true) {
    if (at_any(tokens_, kOperators)) {
      compare->names.push_back(tokens_.next().text);
    } else if (tokens_.skip_name("in")) {
      compare->names.push_back("in");
    } else if (tokens_.at_name("not") && TokenStream::is(tokens_.look(), TokenKind::kName, "in")) {
      tokens_.next();
      tokens_.next();
      compare->names.push_back("not in");
    } else {
      break;
    }
    compare->parts.push_back(sum());
  }
  return compare->names.empty() ? std::move(compare->parts[0]) : checked(std::move(compare));
}

ExprPtr ExpressionParser::sum() {
  static constexpr std::array<string_view, 2> kOperators = {"+", "-"};
  ExprPtr left = concatenation();
  while (at_any(tokens_, kOperators)) {
    const Token op = tokens_.next();
    ExprPtr right = concatenation();
    left = checked(make(ExprKind::kBinary, op.line, op.text, std::move(left), std::move(right)));
  }
  return left;
}

ExprPtr ExpressionParser::concatenation() {
  ExprPtr concat = make(ExprKind::kConcat, tokens_.line(), "", product());
  while (tokens_.skip_operator("~")) concat->parts.push_back(product());
  return concat->parts.size() == 1 ? std::move(concat->parts[0]) : checked(std::move(concat));
}

ExprPtr ExpressionParser::product() {
  static constexpr std::array<string_view, 5> kOperators = {"*", "/", "//", "%", "**"};
  ExprPtr left = unary();
  while (at_any(tokens_, kOperators)) {
    const Token op = tokens_.next();
    ExprPtr right = unary();
    left = checked(make(ExprKind::kBinary, op.line, op.text, std::move(left), std::move(right)));
  }
  return left;
}

ExprPtr ExpressionParser::unary(bool with_filter) {
  const Nesting level(*this);
  const int line = tokens_.line();
  ExprPtr value;
  if (tokens_.skip_operator("-")) {
    value = checked(make(ExprKind::kNegate, line, "", unary(false)));
  } else if (tokens_.skip_operator("+")) {
    value = checked(make(ExprKind::kPlus, line, "", unary(false)));
  } else {
    value = primary();
  }
  value = postfix(std::move(value));
  return with_filter ? filters(std::move(value)) : std::move(value);
}

bool ExpressionParser::at_tuple_end() const {
  return tokens_.at(TokenKind::kVariableEnd) || tokens_.at(TokenKind::kBlockEnd) ||
         tokens_.at_operator(")");
}

ExprPtr ExpressionParser::tuple(bool with_condition) {
  ExprPtr tuple = make(ExprKind::kTuple, tokens_.line(), "");
  tuple->parts.push_back(expression(with_condition));
  if (!tokens_.at_operator(",")) return std::move(tuple->parts[0]);
  while (tokens_.skip_operator(",") && !at_tuple_end()) {
    tuple->parts.push_back(expression(with_condition));
  }
  return checked(std::move(tuple));
}

Targets ExpressionParser::targets(bool with_namespace) {
  const bool parenthesis = tokens_.skip_operator("(");
  Targets targets;
  targets.list.push_back(target(with_namespace));
  while (tokens_.skip_operator(",")) {
    targets.unpack = true;
    if (at_tuple_end()) break;
    targets.list.push_back(target(with_namespace));
  }
  if (parenthesis) tokens_.expect_operator(")");
  return targets;
}

Target ExpressionParser::target(bool with_namespace) {
  if (tokens_.at_operator("(")) throw_unsupported(tokens_.line(), "a tuple in a tuple of targets");
  const int line = tokens_.line();
  Target target{tokens_.expect_any_name()};
  static constexpr std::array<string_view, 6> kConstants = {"true", "false", "none",
                                                            "True", "False", "None"};
  if (std::find(kConstants.begin(), kConstants.end(), target.name) != kConstants.end()) {
    throw_syntax(line, "an assignment to " + target.name);
  }
  if (target.name == "loop") throw_unsupported(line, "an assignment to loop");
  if (with_namespace && tokens_.skip_operator(".")) target.attribute = tokens_.expect_any_name();
  return target;
}

}  // namespace expertoire::jinja
