// One level of the interpreter's recursion.
#pragma once

#include <fmt/format.h>

#include "tokenizer/jinja_interpreter.h"

namespace expertoire::jinja {

struct Interpreter::Level {
  Level(Interpreter& owner, int line) : interpreter(owner) {
    Context& context = interpreter.context_;
    context.line = line;
    context.work();
    if (++interpreter.depth_ > kMaxCallDepth) {
      context.limit("macros or expressions nested too deep",
                    fmt::format("at most {} levels", kMaxCallDepth));
    }
  }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;
  ~Level() { --interpreter.depth_; }

  Interpreter& interpreter;
};

}  // namespace expertoire::jinja
