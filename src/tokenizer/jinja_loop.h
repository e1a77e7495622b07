// The state of a for loop, and what `loop` tells of it.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "tokenizer/jinja_context.h"

namespace expertoire::jinja {

/// Items that do not pass the filter are not counted. The filter runs as late as in jinja2: when
/// the next item is asked for.
class Loop {
 public:
  using Filter = std::function<bool(const Value&)>;
  Loop(Context& context, std::vector<Value> items, Filter filter)
      : context_(context), items_(std::move(items)), filter_(std::move(filter)) {}

  /// Goes to the next item; false at the end.
  bool advance();
  const Value& current() const { return current_; }
  /// loop.name. Errors: kUnsupported.
  Value attribute(Text name);

 private:
  std::optional<Value> take();
  bool peek();
  int64_t length();

  Context& context_;
  std::vector<Value> items_;
  size_t at_ = 0;  // of the first item that nobody has looked at
  Filter filter_;
  Value previous_, current_;
  std::optional<Value> next_;
  int64_t index0_ = -1;
};

}  // namespace expertoire::jinja
