// What stands behind "is".
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tokenizer/jinja_library.h"
#include "tokenizer/jinja_operators.h"

namespace expertoire::jinja {
namespace {

using Holds = bool (*)(Context&, const Value&, const Value& operand);

struct Test {
  std::string_view name;
  bool operand;  // takes one
  Holds holds;
};

bool is_odd(Context& context, const Value& value) {
  return equals(context, calculate(context, "%", value, int64_t{2}), int64_t{1});
}

bool is_iterable(const Value& value) {
  return is<Undefined>(value) || is<Text>(value) || is<const Sequence*>(value) ||
         is<const Dict*>(value) || is<Stream*>(value);
}

bool is_sequence(Context& context, const Value& value) {
  // A range has places, a view of a dict has none.
  if (const auto* stream = as<Stream*>(value); stream != nullptr && !(*stream)->once) {
    context.unsupported("the test sequence of a range or a view");
  }
  return is_iterable(value) && !is<Stream*>(value);
}

bool equal(Context& c, const Value& v, const Value& operand) { return equals(c, v, operand); }
bool unequal(Context& c, const Value& v, const Value& operand) { return !equals(c, v, operand); }
bool always_bool(const Value& value, bool wanted) {
  const bool* flag = as<bool>(value);
  return flag != nullptr && *flag == wanted;
}

constexpr auto kTests = std::to_array<Test>({
    {"defined", false, [](Context&, const Value& v, const Value&) { return !is<Undefined>(v); }},
    {"undefined", false, [](Context&, const Value& v, const Value&) { return is<Undefined>(v); }},
    {"none", false, [](Context&, const Value& v, const Value&) { return is<None>(v); }},
    {"string", false, [](Context&, const Value& v, const Value&) { return is<Text>(v); }},
    {"mapping", false, [](Context&, const Value& v, const Value&) { return is<const Dict*>(v); }},
    {"sequence", false, [](Context& c, const Value& v, const Value&) { return is_sequence(c, v); }},
    {"iterable", false, [](Context&, const Value& v, const Value&) { return is_iterable(v); }},
    {"number", false, [](Context&, const Value& v, const Value&) { return is_number(v); }},
    {"integer", false, [](Context&, const Value& v, const Value&) { return is<int64_t>(v); }},
    {"boolean", false, [](Context&, const Value& v, const Value&) { return is<bool>(v); }},
    {"true", false, [](Context&, const Value& v, const Value&) { return always_bool(v, true); }},
    {"false", false, [](Context&, const Value& v, const Value&) { return always_bool(v, false); }},
    {"odd", false, [](Context& c, const Value& v, const Value&) { return is_odd(c, v); }},
    {"even", false, [](Context& c, const Value& v, const Value&) { return !is_odd(c, v); }},
    {"equalto", true, equal},
    {"eq", true, equal},
    {"==", true, equal},
    {"ne", true, unequal},
    {"!=", true, unequal},
    {"in", true, [](Context& c, const Value& v, const Value& o) { return compare(c, "in", v, o); }},
});

}  // namespace

bool apply_test(Context& context, Text name, const Value& value, const Arguments& arguments) {
  const auto* test =
      std::find_if(kTests.begin(), kTests.end(), [&](const Test& t) { return t.name == name; });
  if (test == kTests.end()) context.unsupported(fmt::format("the test {}", name));
  if (!arguments.names.empty()) {
    context.unsupported(fmt::format("an argument by name of the test {}", name));
  }
  if (arguments.values.size() != (test->operand ? 1 : 0)) {
    context.raise(fmt::format("the test {} with {} arguments", name, arguments.values.size()));
  }
  return test->holds(context, value, test->operand ? arguments.values[0] : Value());
}

}  // namespace expertoire::jinja
