// The parsed chat template.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace expertoire::jinja {

enum class ExprKind {
  kText,     ///< `text`
  kInteger,  ///< `number`
  kBool,     ///< `number`
  kNone,
  kName,       ///< `text`
  kList,       ///< parts
  kTuple,      ///< parts
  kDict,       ///< parts: key, value, key, value …
  kNot,        ///< part
  kNegate,     ///< part
  kPlus,       ///< part
  kAnd,        ///< 2 parts
  kOr,         ///< 2 parts
  kBinary,     ///< 2 parts around the operator `text`
  kCompare,    ///< parts with the operators `names` between them
  kConcat,     ///< parts
  kCondition,  ///< condition, value, other value (may be null)
  kAttribute,  ///< part . `text`
  kItem,       ///< part [ part ]
  kSlice,      ///< part [ part : part : part ]; the last three may be null
  kCall,       ///< callee, then arguments
  kFilter,     ///< part | `text`, then arguments
  kTest,       ///< part is `text`, then arguments
};

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

struct Expr {
  ExprKind kind;
  int line;
  int depth = 1;  ///< of this tree; bounded, so that recursion over it is safe
  std::string text = {};
  int64_t number = 0;
  std::vector<ExprPtr> parts = {};
  std::vector<std::string> names = {};  ///< of the last arguments, when these are given by name
};

/// What set and for assign to: a name, or an attribute of a namespace.
struct Target {
  std::string name;
  std::string attribute = {};
};

struct Targets {
  std::vector<Target> list;
  bool unpack = false;  ///< a, b = value
};

enum class StmtKind {
  kText,      ///< `text`
  kPrint,     ///< expression
  kSet,       ///< targets = expression
  kSetBlock,  ///< targets = output of the body
  kFor,       ///< targets in expression, then the filter if there is one; body, else-body
  kIf,        ///< conditions, a body each; then perhaps one more body for else
  kBreak,
  kContinue,
  kMacro,  ///< `text`: name; targets: parameters; expressions: defaults of the last ones; body
  kScope,  ///< body, whose assignments stay inside
};

struct Stmt;
using Body = std::vector<std::unique_ptr<Stmt>>;

struct Stmt {
  StmtKind kind;
  int line;
  std::string text = {};
  Targets targets = {};
  std::vector<ExprPtr> exprs = {};
  std::vector<Body> bodies = {};
};

}  // namespace expertoire::jinja
