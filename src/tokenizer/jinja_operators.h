// What operators, subscripts and attributes do to values. Errors of all, beyond those stated:
// kInvalidArgument where Python raises, kUnsupported, kTooLong.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/jinja_context.h"

namespace expertoire::jinja {

/// str(value). Unsupported for lists, dicts and the like, whose form is Python's own.
std::string to_string(const Context& context, const Value& value);

bool equals(Context& context, const Value& left, const Value& right);
/// `op`: == != < <= > >= in "not in".
bool compare(Context& context, std::string_view op, const Value& left, const Value& right);
/// `op`: + - * // % (and / **, which are unsupported).
Value calculate(Context& context, std::string_view op, const Value& left, const Value& right);
Value negate(Context& context, const Value& value);

/// base.name, which is not called.
Value attribute(Context& context, const Value& base, Text name);
/// {% set space.name = value %}
void set_attribute(Context& context, Namespace* space, Text name, const Value& value);
/// base[key]
Value item(Context& context, const Value& base, const Value& key);
struct Slice {
  Value start, stop, step;  ///< None where absent
};
Value slice(Context& context, const Value& base, const Slice& bounds);

/// What a loop over `value` goes through. An iterator is used up by it.
std::vector<Value> items_of(Context& context, const Value& value);
/// Number of items or characters; nullopt where len() raises.
std::optional<int64_t> length_of(Context& context, const Value& value);

}  // namespace expertoire::jinja
