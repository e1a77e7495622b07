#include "tokenizer/jinja_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "tokenizer/jinja_error.h"
#include "tokenizer/jinja_expression_parser.h"
#include "tokenizer/jinja_make.h"
#include "tokenizer/jinja_tokens.h"

namespace expertoire::jinja {
namespace {

using std::string_view;
using StmtPtr = std::unique_ptr<Stmt>;
using Names = std::initializer_list<string_view>;

constexpr std::array<string_view, 11> kOtherTags = {"block",  "extends",    "print", "include",
                                                    "from",   "import",     "with",  "call",
                                                    "filter", "autoescape", "raw"};
constexpr std::array<string_view, 3> kMacroOnly = {"varargs", "kwargs", "caller"};

class Parser {
 public:
  explicit Parser(string_view source) : tokens_(tokenize(source)), expressions_(tokens_) {}

  Body run() { return body({}); }

 private:
  // Up to one of the tags `ends`, whose name is then the current token.
  Body body(Names ends) {
    if (++nesting_ > kMaxNesting) {
      throw_limit(tokens_.line(), "blocks nested too deep",
                  fmt::format("at most {} levels", kMaxNesting));
    }
    Body statements;
    while (!tokens_.at(TokenKind::kEnd)) {
      const bool block = tokens_.at(TokenKind::kBlockBegin);
      if (block) {
        tokens_.next();
        if (at_name_of(ends)) break;
        statements.push_back(statement());
        tokens_.expect(TokenKind::kBlockEnd);
      } else {
        statements.push_back(tokens_.at(TokenKind::kText) ? text() : print());
      }
    }
    if (tokens_.at(TokenKind::kEnd) && ends.size() > 0) {
      throw_syntax(tokens_.line(), "the end of the template",
                   fmt::format("{{% {} %}}", *(ends.end() - 1)));
    }
    --nesting_;
    return statements;
  }

  // The body of a block whose tag has been read but for its end.
  Body block_body(Names ends) {
    tokens_.skip_operator(":");
    tokens_.expect(TokenKind::kBlockEnd);
    return body(ends);
  }

  // Also drops the closing tag's name.
  Body whole_body(string_view end) {
    Body inside = block_body({end});
    tokens_.next();
    return inside;
  }

  bool at_name_of(Names names) const {
    return std::any_of(names.begin(), names.end(),
                       [&](string_view name) { return tokens_.at_name(name); });
  }

  StmtPtr make(StmtKind kind) { return std::make_unique<Stmt>(Stmt{kind, tokens_.line()}); }

  StmtPtr text() {
    StmtPtr stmt = make(StmtKind::kText);
    stmt->text = tokens_.next().text;
    return stmt;
  }

  StmtPtr print() {
    StmtPtr stmt = make(StmtKind::kPrint);
    tokens_.next();
    stmt->exprs.push_back(expressions_.tuple());
    tokens_.expect(TokenKind::kVariableEnd);
    return stmt;
  }

  StmtPtr statement() {
    const int line = tokens_.line();
    if (tokens_.at_name("set")) return set();
    if (tokens_.at_name("for")) return loop();
    if (tokens_.at_name("if")) return condition();
    if (tokens_.at_name("macro")) return macro();
    if (tokens_.at_name("break")) return leave(StmtKind::kBreak);
    if (tokens_.at_name("continue")) return leave(StmtKind::kContinue);
    if (tokens_.at_name("generation")) return generation();
    const std::string name = tokens_.expect_any_name();
    if (std::find(kOtherTags.begin(), kOtherTags.end(), name) != kOtherTags.end()) {
      throw_unsupported(line, "the block " + name);
    }
    throw_syntax(line, fmt::format("the tag \"{}\"", name), "one that belongs here");
  }

  StmtPtr set() {
    StmtPtr stmt = make(StmtKind::kSet);
    tokens_.next();
    stmt->targets = expressions_.targets(true);
    if (tokens_.skip_operator("=")) {
      stmt->exprs.push_back(expressions_.tuple());
      return stmt;
    }
    if (tokens_.at_operator("|")) throw_unsupported(stmt->line, "a filter on a set block");
    stmt->kind = StmtKind::kSetBlock;
    stmt->bodies.push_back(whole_body("endset"));
    return stmt;
  }

  StmtPtr loop() {
    StmtPtr stmt = make(StmtKind::kFor);
    tokens_.next();
    stmt->targets = expressions_.targets(false);
    tokens_.expect_name("in");
    stmt->exprs.push_back(expressions_.tuple(false));
    if (tokens_.skip_name("if")) stmt->exprs.push_back(expressions_.expression());
    if (tokens_.at_name("recursive")) throw_unsupported(stmt->line, "a recursive loop");
    ++loops_;
    stmt->bodies.push_back(block_body({"else", "endfor"}));
    --loops_;
    if (tokens_.next().text == "else") stmt->bodies.push_back(whole_body("endfor"));
    return stmt;
  }

  StmtPtr condition() {
    StmtPtr stmt = make(StmtKind::kIf);
    do {
      tokens_.next();
      stmt->exprs.push_back(expressions_.tuple(false));
      stmt->bodies.push_back(block_body({"elif", "else", "endif"}));
    } while (tokens_.at_name("elif"));
    if (tokens_.next().text == "else") stmt->bodies.push_back(whole_body("endif"));
    return stmt;
  }

  StmtPtr leave(StmtKind kind) {
    StmtPtr stmt = make(kind);
    const std::string name = tokens_.next().text;
    if (loops_ == 0) throw_syntax(stmt->line, name + " outside of a loop");
    return stmt;
  }

  // {% generation %}: transformers' mark around what the assistant says; it prints its body.
  StmtPtr generation() {
    StmtPtr stmt = make(StmtKind::kScope);
    tokens_.next();
    stmt->bodies.push_back(outside_of_loops("endgeneration"));
    return stmt;
  }

  StmtPtr macro() {
    StmtPtr stmt = make(StmtKind::kMacro);
    tokens_.next();
    stmt->text = tokens_.expect_any_name();
    tokens_.expect_operator("(");
    while (!tokens_.at_operator(")")) {
      if (!stmt->targets.list.empty()) tokens_.expect_operator(",");
      parameter(*stmt);
    }
    tokens_.next();
    stmt->bodies.push_back(outside_of_loops("endmacro"));
    return stmt;
  }

  void parameter(Stmt& macro) {
    const int line = tokens_.line();
    const std::string name = tokens_.expect_any_name();
    if (name == "loop") throw_unsupported(line, "an assignment to loop");
    if (std::find(kMacroOnly.begin(), kMacroOnly.end(), name) != kMacroOnly.end()) {
      throw_unsupported(line, "the macro parameter " + name);
    }
    macro.targets.list.push_back({name});
    if (tokens_.skip_operator("=")) {
      macro.exprs.push_back(expressions_.expression());
    } else if (!macro.exprs.empty()) {
      throw_syntax(line, "a parameter without a default after one with a default");
    }
  }

  // break and continue do not reach out of these blocks.
  Body outside_of_loops(string_view end) {
    const int loops = std::exchange(loops_, 0);
    Body inside = whole_body(end);
    loops_ = loops;
    return inside;
  }

  TokenStream tokens_;
  ExpressionParser expressions_;
  int nesting_ = 0;
  int loops_ = 0;
};

}  // namespace

Body parse(string_view source) { return Parser(source).run(); }

}  // namespace expertoire::jinja
