#include "tokenizer/jinja_loop.h"

#include <fmt/format.h>

namespace expertoire::jinja {

std::optional<Value> Loop::take() {
  while (at_ < items_.size()) {
    context_.work();
    const Value& item = items_[at_++];
    if (!filter_ || filter_(item)) return item;
  }
  return std::nullopt;
}

bool Loop::peek() {
  if (!next_) next_ = take();
  return next_.has_value();
}

bool Loop::advance() {
  if (!peek()) return false;
  previous_ = current_;
  current_ = *next_;
  next_.reset();
  ++index0_;
  return true;
}

int64_t Loop::length() {
  std::vector<Value> rest;
  while (filter_ && at_ < items_.size()) {
    if (auto item = take()) rest.push_back(*item);
  }
  if (filter_) {
    items_ = std::move(rest);
    at_ = 0;
    filter_ = nullptr;
  }
  return index0_ + 1 + (next_ ? 1 : 0) + static_cast<int64_t>(items_.size() - at_);
}

Value Loop::attribute(Text name) {
  if (name == "index") return index0_ + 1;
  if (name == "index0") return index0_;
  if (name == "first") return index0_ == 0;
  if (name == "last") return !peek();
  if (name == "length") return length();
  if (name == "revindex") return length() - index0_;
  if (name == "revindex0") return length() - index0_ - 1;
  if (name == "previtem") return index0_ == 0 ? Undefined{"loop.previtem"} : previous_;
  if (name == "nextitem") return peek() ? *next_ : Undefined{"loop.nextitem"};
  context_.unsupported(fmt::format("loop.{}", name));
}

}  // namespace expertoire::jinja
