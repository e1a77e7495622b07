#include <utility>

#include "tokenizer/jinja_level.h"
#include "tokenizer/jinja_operators.h"

namespace expertoire::jinja {

std::string Interpreter::run(const Body& body) {
  run_body(body, globals_);
  return std::move(out_);
}

Interpreter::Flow Interpreter::run_body(const Body& body, Scope& scope) {
  for (const std::unique_ptr<Stmt>& stmt : body) {
    const Flow flow = run_statement(*stmt, scope);
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Interpreter::Flow Interpreter::run_statement(const Stmt& stmt, Scope& scope) {
  const Level level(*this, stmt.line);
  switch (stmt.kind) {
    case StmtKind::kText: print(stmt.text); return Flow::kNext;
    case StmtKind::kPrint: {
      const Value value = eval(*stmt.exprs[0], scope);
      const Text* text = as<Text>(value);
      print(text != nullptr ? *text : Text(to_string(context_, value)));
      return Flow::kNext;
    }
    case StmtKind::kSet:
      assign(stmt.targets, eval(*stmt.exprs[0], scope), scope);
      return Flow::kNext;
    case StmtKind::kSetBlock: return run_set_block(stmt, scope);
    case StmtKind::kFor: return run_for(stmt, scope);
    case StmtKind::kIf: return run_if(stmt, scope);
    case StmtKind::kBreak: return Flow::kBreak;
    case StmtKind::kContinue: return Flow::kContinue;
    case StmtKind::kMacro: define_macro(stmt, scope); return Flow::kNext;
    case StmtKind::kScope: break;
  }
  Scope inside{&scope};
  return run_body(stmt.bodies[0], inside);
}

Interpreter::Flow Interpreter::run_for(const Stmt& stmt, Scope& scope) {
  Loop::Filter filter;
  if (stmt.exprs.size() > 1) {
    filter = [&](const Value& item) {
      Scope inside{&scope};
      assign(stmt.targets, item, inside);
      return truthy(eval(*stmt.exprs[1], inside));
    };
  }
  Loop loop(context_, items_of(context_, eval(*stmt.exprs[0], scope)), std::move(filter));
  bool completed = false;  // as jinja2 has it: a body left by break or continue does not count
  while (loop.advance()) {
    Scope inside{&scope, &loop};
    assign(stmt.targets, loop.current(), inside);
    const Flow flow = run_body(stmt.bodies[0], inside);
    if (flow == Flow::kBreak) break;
    completed = completed || flow == Flow::kNext;
  }
  if (completed || stmt.bodies.size() < 2) return Flow::kNext;
  Scope inside{&scope};
  return run_body(stmt.bodies[1], inside);
}

Interpreter::Flow Interpreter::run_if(const Stmt& stmt, Scope& scope) {
  for (size_t i = 0; i < stmt.exprs.size(); ++i) {
    if (truthy(eval(*stmt.exprs[i], scope))) return run_body(stmt.bodies[i], scope);
  }
  return stmt.bodies.size() > stmt.exprs.size() ? run_body(stmt.bodies.back(), scope) : Flow::kNext;
}

Interpreter::Flow Interpreter::run_set_block(const Stmt& stmt, Scope& scope) {
  std::string outer = std::exchange(out_, {});
  Scope inside{&scope};
  const Flow flow = run_body(stmt.bodies[0], inside);
  std::string output = std::exchange(out_, std::move(outer));
  if (flow == Flow::kNext) assign(stmt.targets, context_.text(std::move(output)), scope);
  return flow;
}

void Interpreter::define_macro(const Stmt& stmt, Scope& scope) {
  if (&scope != &globals_) context_.unsupported("a macro inside of a loop, a macro or a block");
  scope.variables.insert_or_assign(stmt.text, &stmt);
}

Value Interpreter::call_macro(const Stmt& macro, const Arguments& arguments) {
  std::vector<Text> names;
  for (const Target& parameter : macro.targets.list) names.push_back(parameter.name);
  const Bound bound(context_, macro.text, arguments, names);
  const size_t required = names.size() - macro.exprs.size();
  Scope inside{&globals_};
  for (size_t i = 0; i < names.size(); ++i) {
    Value value = bound.has(i)    ? bound[i]
                  : i >= required ? eval(*macro.exprs[i - required], inside)
                                  : Undefined{names[i]};
    inside.variables.insert_or_assign(names[i], value);
  }
  std::string outer = std::exchange(out_, {});
  run_body(macro.bodies[0], inside);
  return context_.text(std::exchange(out_, std::move(outer)));
}

void Interpreter::assign(const Targets& targets, const Value& value, Scope& scope) {
  if (!targets.unpack) return assign(targets.list[0], value, scope);
  const std::vector<Value> items = items_of(context_, value);
  if (items.size() != targets.list.size()) {
    context_.raise(fmt::format("{} values for {} names", items.size(), targets.list.size()));
  }
  for (size_t i = 0; i < items.size(); ++i) assign(targets.list[i], items[i], scope);
}

void Interpreter::assign(const Target& target, const Value& value, Scope& scope) {
  if (target.attribute.empty()) {
    scope.variables.insert_or_assign(target.name, value);
    return;
  }
  const Value space = lookup(target.name, scope);
  if (!is<Namespace*>(space)) {
    context_.raise(fmt::format("{} gets an attribute but is no namespace", target.name));
  }
  set_attribute(context_, std::get<Namespace*>(space), target.attribute, value);
}

void Interpreter::print(Text text) {
  context_.reserve(text.size());
  if (text.size() > kMaxOutput - out_.size()) {
    context_.limit("too much output", fmt::format("at most {} MiB", kMaxOutput >> 20));
  }
  out_.append(text);
}

}  // namespace expertoire::jinja
