#include "tokenizer/jinja_context.h"

#include <fmt/format.h>

#include <algorithm>

#include "tokenizer/jinja_error.h"

namespace expertoire::jinja {

void Context::work(size_t steps) {
  if (steps > static_cast<size_t>(steps_left_)) {
    limit("a template that does not come to an end", fmt::format("at most {} steps", kMaxSteps));
  }
  steps_left_ -= static_cast<int64_t>(steps);
}

void Context::check(size_t bytes) const {
  if (bytes > bytes_left_) {
    limit("a template that makes too much text",
          fmt::format("at most {} MiB of texts and lists on the way", kMaxBytes >> 20));
  }
}

void Context::reserve(size_t bytes) {
  check(bytes);
  bytes_left_ -= bytes;
}

Text Context::text(std::string bytes) {
  reserve(bytes.size() + sizeof(std::string));
  return texts_.emplace_back(std::move(bytes));
}

int Context::depth_over(const Value& value) const {
  int depth = 0;
  if (const auto* list = as<const Sequence*>(value)) depth = (*list)->depth;
  if (const auto* dict = as<const Dict*>(value)) depth = (*dict)->depth;
  if (depth >= kMaxValueDepth) {
    limit("lists nested too deep", fmt::format("at most {} levels", kMaxValueDepth));
  }
  return depth + 1;
}

Value Context::list(std::vector<Value> items, bool tuple) {
  reserve(items.size() * sizeof(Value) + sizeof(Sequence));
  int depth = 1;
  for (const Value& item : items) depth = std::max(depth, depth_over(item));
  return &std::as_const(sequences_.emplace_back(Sequence{std::move(items), tuple, depth}));
}

Value Context::dict(std::vector<std::pair<Text, Value>> items) {
  reserve(items.size() * sizeof(items[0]) + sizeof(Dict));
  int depth = 1;
  for (const auto& [key, value] : items) depth = std::max(depth, depth_over(value));
  return &std::as_const(dicts_.emplace_back(Dict{std::move(items), depth}));
}

Value Context::stream(std::vector<Value> items, bool once) {
  reserve(items.size() * sizeof(Value) + sizeof(Stream));
  return &streams_.emplace_back(Stream{std::move(items), once});
}

Namespace* Context::make_namespace() {
  reserve(sizeof(Namespace));
  return &namespaces_.emplace_back();
}

void Context::raise(const std::string& found) const { throw_raised(line, found); }

void Context::unsupported(const std::string& construct) const {
  throw_unsupported(line, construct);
}

void Context::limit(const std::string& found, const std::string& expected) const {
  throw_limit(line, found, expected);
}

Bound::Bound(const Context& context, Text callee, const Arguments& arguments,
             const std::vector<Text>& parameters)
    : values_(parameters.size()), given_(parameters.size()) {
  const size_t positional = arguments.values.size() - arguments.names.size();
  if (positional > parameters.size()) {
    context.raise(
        fmt::format("{} arguments of {}, which takes {}", positional, callee, parameters.size()));
  }
  for (size_t i = 0; i < arguments.values.size(); ++i) {
    size_t place = i;
    if (i >= positional) {
      const Text name = arguments.names[i - positional];
      const auto found = std::find(parameters.begin(), parameters.end(), name);
      if (found == parameters.end()) {
        context.unsupported(fmt::format("the argument {} of {}", name, callee));
      }
      place = static_cast<size_t>(found - parameters.begin());
      if (given_[place]) context.raise(fmt::format("the argument {} of {} twice", name, callee));
    }
    values_[place] = arguments.values[i];
    given_[place] = true;
  }
}

}  // namespace expertoire::jinja
