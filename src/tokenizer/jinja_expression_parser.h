// Expressions of a chat template, with Jinja's precedence.
#pragma once

#include "tokenizer/jinja_ast.h"
#include "tokenizer/jinja_tokens.h"

namespace expertoire::jinja {

class ExpressionParser {
 public:
  explicit ExpressionParser(TokenStream& tokens) : tokens_(tokens) {}

  /// Errors of all: kBadFile, kUnsupported, kTooLong (nesting).
  ExprPtr expression(bool with_condition = true);
  /// One expression, or several with commas between them: a tuple.
  ExprPtr tuple(bool with_condition = true);
  /// What for and set assign to.
  Targets targets(bool with_namespace);

 private:
  struct Nesting;
  struct Arguments {
    std::vector<ExprPtr> values;
    std::vector<std::string> names;  // of the last values
  };

  // Operators, from the loosest (jinja_expression_parser.cc)
  ExprPtr condition();
  ExprPtr disjunction();
  ExprPtr conjunction();
  ExprPtr negation();
  ExprPtr comparison();
  ExprPtr sum();
  ExprPtr concatenation();
  ExprPtr product();
  ExprPtr unary(bool with_filter = true);
  // Operands (jinja_operand_parser.cc)
  ExprPtr primary();
  ExprPtr name_or_constant();
  ExprPtr string();
  ExprPtr integer();
  ExprPtr parenthesis();
  ExprPtr list();
  ExprPtr dict();
  ExprPtr postfix(ExprPtr base);
  ExprPtr filters(ExprPtr base);
  ExprPtr attribute(ExprPtr base);
  ExprPtr subscript(ExprPtr base);
  ExprPtr call(ExprPtr callee);
  ExprPtr filter(ExprPtr base);
  ExprPtr test(ExprPtr base);
  Arguments arguments();
  void argument(Arguments& arguments);

  bool at_tuple_end() const;
  Target target(bool with_namespace);

  TokenStream& tokens_;
  int nesting_ = 0;
};

}  // namespace expertoire::jinja
