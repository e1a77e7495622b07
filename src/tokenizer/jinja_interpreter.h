// Runs a parsed template.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "tokenizer/jinja_ast.h"
#include "tokenizer/jinja_loop.h"

namespace expertoire::jinja {

/// Names of one block. A loop, a set block, a macro open one; an if does not.
struct Scope {
  Scope* parent = nullptr;
  Loop* loop = nullptr;
  std::map<Text, Value> variables = {};
};

class Interpreter {
 public:
  /// `globals` is the outermost scope. The body that runs must outlive the context.
  Interpreter(Context& context, Scope& globals) : context_(context), globals_(globals) {}

  /// The output. Errors: kInvalidArgument, kUnsupported, kTooLong.
  std::string run(const Body& body);

 private:
  enum class Flow { kNext, kBreak, kContinue };
  struct Level;

  // Statements (jinja_statements.cc)
  Flow run_body(const Body& body, Scope& scope);
  Flow run_statement(const Stmt& stmt, Scope& scope);
  Flow run_for(const Stmt& stmt, Scope& scope);
  Flow run_if(const Stmt& stmt, Scope& scope);
  Flow run_set_block(const Stmt& stmt, Scope& scope);
  void define_macro(const Stmt& stmt, Scope& scope);
  void assign(const Targets& targets, const Value& value, Scope& scope);
  void assign(const Target& target, const Value& value, Scope& scope);
  void print(Text text);
  Value call_macro(const Stmt& macro, const Arguments& arguments);

  // Expressions (jinja_expressions.cc)
  Value eval(const Expr& expr, Scope& scope);
  Value eval_part(const Expr& expr, Scope& scope);
  Value lookup(Text name, const Scope& scope) const;
  Value collection(const Expr& expr, Scope& scope);
  Value dict(const Expr& expr, Scope& scope);
  Value logic(const Expr& expr, Scope& scope);
  Value binary(const Expr& expr, Scope& scope);
  Value sign(const Expr& expr, Scope& scope);
  Value comparison(const Expr& expr, Scope& scope);
  Value concatenation(const Expr& expr, Scope& scope);
  Value attribute_of(const Expr& expr, Scope& scope);
  Value item_of(const Expr& expr, Scope& scope);
  Value slice_of(const Expr& expr, Scope& scope);
  Value call(const Expr& expr, Scope& scope);
  Value call_value(const Value& callee, const Arguments& arguments);
  Value filtered(const Expr& expr, Scope& scope);
  Value tested(const Expr& expr, Scope& scope);
  Arguments arguments(const Expr& expr, Scope& scope);

  Context& context_;
  Scope& globals_;
  std::string out_;
  int depth_ = 0;
};

}  // namespace expertoire::jinja
