// The methods, filters, tests and functions of the subset (docs/chat_templates.md has the table).
// Errors of all: kInvalidArgument where Python or the template raises, kUnsupported, kTooLong.
#pragma once

#include <optional>

#include "tokenizer/jinja_context.h"
#include "tokenizer/jinja_text.h"

namespace expertoire::jinja {

/// base.name(arguments) for a method of texts and dicts; nullopt when Python has none by this name.
std::optional<Value> call_method(Context& context, const Value& base, Text name,
                                 const Arguments& arguments);
/// Whether Python finds an attribute `name` of its own (a method, mostly) before any key of `base`.
bool is_python_attribute(const Value& base, Text name);

/// value | name(arguments)
Value apply_filter(Context& context, Text name, const Value& value, const Arguments& arguments);
/// json.dumps with the settings of transformers.
std::string to_json(Context& context, const Value& value);

/// What methods and filters share.
/// Counts the work of a search and checks its memory, with `each` bytes for a place that it finds.
void check_search(Context& context, Text text, Text part, size_t each);
Value strip_text(Context& context, Text text, Side side, std::optional<Text> chars);
Value replace_text(Context& context, Text text, Text from, Text to, int64_t most);
/// `name`: upper, lower or capitalize. Unsupported outside ASCII.
Value change_case(Context& context, Text name, Text text);
Value join_texts(Context& context, const std::vector<Value>& items, Text separator);

/// value is name(arguments)
bool apply_test(Context& context, Text name, const Value& value, const Arguments& arguments);

/// Whether Jinja has a function of this name.
bool is_function(Text name);
Value call_function(Context& context, Text name, const Arguments& arguments);

}  // namespace expertoire::jinja
