// Values of a chat template: Python's, as far as the subset needs them.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace expertoire::jinja {

struct Stmt;
struct Sequence;
struct Dict;
struct Stream;
struct Namespace;

/// What a name or an attribute that does not exist gives; `name` is what was looked for.
struct Undefined {
  std::string_view name;
};
struct None {};
using Text = std::string_view;  ///< UTF-8
/// A function of the library (jinja_library.h), by name.
struct Function {
  std::string_view name;
};

/// Cheap to copy: what it points to lives in the Context, the template or the caller's messages.
/// A Stmt is a macro.
using Value = std::variant<Undefined, None, bool, int64_t, Text, const Sequence*, const Dict*,
                           Stream*, Namespace*, Function, const Stmt*>;

/// A list or a tuple; never changes.
struct Sequence {
  std::vector<Value> items;
  bool tuple = false;
  int depth = 1;  ///< of nested sequences and dicts; bounded, so that recursion is safe
};

/// In the order of insertion; never changes. Keys are texts.
struct Dict {
  std::vector<std::pair<Text, Value>> items;
  int depth = 1;
  const Value* find(Text key) const;
};

/// What can only be gone through: ranges and views of dicts; iterators (`once`), just one time.
struct Stream {
  std::vector<Value> items;
  bool once = false;
  bool used = false;
};

/// The only value that changes.
struct Namespace {
  std::map<Text, Value> attributes;
};

template <typename T>
bool is(const Value& value) {
  return std::holds_alternative<T>(value);
}
template <typename T>
const T* as(const Value& value) {
  return std::get_if<T>(&value);
}
/// Booleans are numbers, as in Python.
bool is_number(const Value& value);
/// `value` is_number().
int64_t number_of(const Value& value);

bool truthy(const Value& value);
/// For messages: "a list".
std::string_view type_name(const Value& value);

}  // namespace expertoire::jinja
