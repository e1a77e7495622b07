#include <algorithm>

#include "tokenizer/jinja_level.h"
#include "tokenizer/jinja_library.h"
#include "tokenizer/jinja_operators.h"

namespace expertoire::jinja {
namespace {

Loop* loop_of(const Scope* scope) {
  while (scope != nullptr && scope->loop == nullptr) scope = scope->parent;
  return scope == nullptr ? nullptr : scope->loop;
}

bool is_loop(const Expr& expr, const Scope& scope) {
  return expr.kind == ExprKind::kName && expr.text == "loop" && loop_of(&scope) != nullptr;
}

}  // namespace

Value Interpreter::eval(const Expr& expr, Scope& scope) {
  const Level level(*this, expr.line);
  Value value = eval_part(expr, scope);
  context_.line = expr.line;
  return value;
}

Value Interpreter::eval_part(const Expr& expr, Scope& scope) {
  switch (expr.kind) {
    case ExprKind::kText: return Text(expr.text);
    case ExprKind::kInteger: return expr.number;
    case ExprKind::kBool: return expr.number != 0;
    case ExprKind::kNone: return None();
    case ExprKind::kName: return lookup(expr.text, scope);
    case ExprKind::kList:
    case ExprKind::kTuple: return collection(expr, scope);
    case ExprKind::kDict: return dict(expr, scope);
    case ExprKind::kNot: return !truthy(eval(*expr.parts[0], scope));
    case ExprKind::kNegate:
    case ExprKind::kPlus: return sign(expr, scope);
    case ExprKind::kAnd:
    case ExprKind::kOr:
    case ExprKind::kCondition: return logic(expr, scope);
    case ExprKind::kBinary: return binary(expr, scope);
    case ExprKind::kCompare: return comparison(expr, scope);
    case ExprKind::kConcat: return concatenation(expr, scope);
    case ExprKind::kAttribute: return attribute_of(expr, scope);
    case ExprKind::kItem: return item_of(expr, scope);
    case ExprKind::kSlice: return slice_of(expr, scope);
    case ExprKind::kCall: return call(expr, scope);
    case ExprKind::kFilter: return filtered(expr, scope);
    case ExprKind::kTest: return tested(expr, scope);
  }
  return Undefined{};
}

Value Interpreter::lookup(Text name, const Scope& scope) const {
  for (const Scope* at = &scope; at != nullptr; at = at->parent) {
    const auto found = at->variables.find(name);
    if (found != at->variables.end()) return found->second;
  }
  if (is_function(name)) return Function{name};
  if (name == "loop" && loop_of(&scope) != nullptr) context_.unsupported("loop as a value");
  if (name == "caller" || name == "varargs" || name == "kwargs") {
    context_.unsupported(fmt::format("the name {}", name));
  }
  return Undefined{name};
}

Value Interpreter::collection(const Expr& expr, Scope& scope) {
  std::vector<Value> items;
  for (const ExprPtr& part : expr.parts) items.push_back(eval(*part, scope));
  return context_.list(std::move(items), expr.kind == ExprKind::kTuple);
}

Value Interpreter::dict(const Expr& expr, Scope& scope) {
  std::vector<std::pair<Text, Value>> items;
  for (size_t i = 0; i < expr.parts.size(); i += 2) {
    const Value key = eval(*expr.parts[i], scope);
    if (!is<Text>(key)) context_.unsupported(fmt::format("{} as a key", type_name(key)));
    const Value value = eval(*expr.parts[i + 1], scope);
    const auto same = std::find_if(items.begin(), items.end(), [&](const auto& item) {
      return item.first == std::get<Text>(key);
    });
    context_.work(items.size() / 2);
    if (same != items.end()) {
      same->second = value;
    } else {
      items.emplace_back(std::get<Text>(key), value);
    }
  }
  return context_.dict(std::move(items));
}

Value Interpreter::logic(const Expr& expr, Scope& scope) {
  const Value first = eval(*expr.parts[0], scope);
  const bool holds = truthy(first);
  if (expr.kind == ExprKind::kAnd) return holds ? eval(*expr.parts[1], scope) : first;
  if (expr.kind == ExprKind::kOr) return holds ? first : eval(*expr.parts[1], scope);
  if (holds) return eval(*expr.parts[1], scope);
  return expr.parts[2] ? eval(*expr.parts[2], scope) : Undefined{"an if without an else"};
}

Value Interpreter::sign(const Expr& expr, Scope& scope) {
  const Value value = negate(context_, eval(*expr.parts[0], scope));
  return expr.kind == ExprKind::kNegate ? value : negate(context_, value);
}

Value Interpreter::binary(const Expr& expr, Scope& scope) {
  const Value left = eval(*expr.parts[0], scope);
  const Value right = eval(*expr.parts[1], scope);
  return calculate(context_, expr.text, left, right);
}

// a < b < c as Python: each once, and no further than the first that fails.
Value Interpreter::comparison(const Expr& expr, Scope& scope) {
  Value left = eval(*expr.parts[0], scope);
  for (size_t i = 0; i < expr.names.size(); ++i) {
    const Value right = eval(*expr.parts[i + 1], scope);
    if (!compare(context_, expr.names[i], left, right)) return false;
    left = right;
  }
  return true;
}

Value Interpreter::concatenation(const Expr& expr, Scope& scope) {
  std::string out;
  for (const ExprPtr& part : expr.parts) {
    out.append(to_string(context_, eval(*part, scope)));
    context_.check(out.size());
  }
  return context_.text(std::move(out));
}

Value Interpreter::attribute_of(const Expr& expr, Scope& scope) {
  const Expr& base = *expr.parts[0];
  if (is_loop(base, scope)) return loop_of(&scope)->attribute(expr.text);
  return attribute(context_, eval(base, scope), expr.text);
}

Value Interpreter::item_of(const Expr& expr, Scope& scope) {
  const Value base = eval(*expr.parts[0], scope);
  return item(context_, base, eval(*expr.parts[1], scope));
}

Value Interpreter::slice_of(const Expr& expr, Scope& scope) {
  const Value base = eval(*expr.parts[0], scope);
  const auto bound = [&](size_t i) {
    return expr.parts[i] ? eval(*expr.parts[i], scope) : Value(None());
  };
  const Slice bounds{bound(1), bound(2), bound(3)};
  return slice(context_, base, bounds);
}

Value Interpreter::call(const Expr& expr, Scope& scope) {
  const Expr& callee = *expr.parts[0];
  if (callee.kind != ExprKind::kAttribute || is_loop(*callee.parts[0], scope)) {
    const Value function = eval(callee, scope);
    return call_value(function, arguments(expr, scope));
  }
  const Value base = eval(*callee.parts[0], scope);
  const Arguments given = arguments(expr, scope);
  if (const auto result = call_method(context_, base, callee.text, given)) return *result;
  return call_value(attribute(context_, base, callee.text), given);
}

Value Interpreter::call_value(const Value& callee, const Arguments& given) {
  if (const Function* function = as<Function>(callee)) {
    return call_function(context_, function->name, given);
  }
  if (const auto* macro = as<const Stmt*>(callee)) return call_macro(**macro, given);
  const Undefined* missing = as<Undefined>(callee);
  context_.raise(missing != nullptr ? fmt::format("{} is undefined", missing->name)
                                    : fmt::format("a call of {}", type_name(callee)));
}

Value Interpreter::filtered(const Expr& expr, Scope& scope) {
  const Value value = eval(*expr.parts[0], scope);
  return apply_filter(context_, expr.text, value, arguments(expr, scope));
}

Value Interpreter::tested(const Expr& expr, Scope& scope) {
  const Value value = eval(*expr.parts[0], scope);
  return apply_test(context_, expr.text, value, arguments(expr, scope));
}

// All parts but the first.
Arguments Interpreter::arguments(const Expr& expr, Scope& scope) {
  Arguments given;
  for (size_t i = 1; i < expr.parts.size(); ++i)
    given.values.push_back(eval(*expr.parts[i], scope));
  given.names.assign(expr.names.begin(), expr.names.end());
  return given;
}

}  // namespace expertoire::jinja
