// Making nodes of an expression's tree.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "tokenizer/jinja_ast.h"
#include "tokenizer/jinja_error.h"

namespace expertoire::jinja {

/// Deepest nesting of a template, of blocks and of expressions.
inline constexpr int kMaxNesting = 200;

[[noreturn]] inline void throw_too_deep(int line) {
  throw_limit(line, "an expression nested too deep", fmt::format("at most {} levels", kMaxNesting));
}

template <typename... Parts>
ExprPtr make(ExprKind kind, int line, std::string text, Parts... parts) {
  auto expr = std::make_unique<Expr>(Expr{kind, line});
  expr->text = std::move(text);
  (expr->parts.push_back(std::move(parts)), ...);
  return expr;
}

inline ExprPtr constant(ExprKind kind, int line, int64_t number = 0) {
  ExprPtr expr = make(kind, line, "");
  expr->number = number;
  return expr;
}

/// Every node that has all its parts passes here. Errors: kTooLong when it is too deep.
inline ExprPtr checked(ExprPtr expr) {
  for (const ExprPtr& part : expr->parts) {
    if (part) expr->depth = std::max(expr->depth, part->depth + 1);
  }
  if (expr->depth > kMaxNesting) throw_too_deep(expr->line);
  return expr;
}

}  // namespace expertoire::jinja
