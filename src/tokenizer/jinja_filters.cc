#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tokenizer/jinja_library.h"
#include "tokenizer/jinja_operators.h"

namespace expertoire::jinja {
namespace {

using Apply = Value (*)(Context&, const Value&, const Bound&);

struct Filter {
  std::string_view name;
  std::vector<Text> parameters;
  Apply apply;
};

// str(value) without a copy where it is a text.
Text text_of(Context& context, const Value& value) {
  const Text* text = as<Text>(value);
  return text != nullptr ? *text : context.text(to_string(context, value));
}

Value trim(Context& context, const Value& value, const Bound& arguments) {
  const Text text = text_of(context, value);
  if (!arguments.has(0) || is<None>(arguments[0])) {
    return strip_text(context, text, Side::kBoth, std::nullopt);
  }
  const Text* chars = as<Text>(arguments[0]);
  if (chars == nullptr) context.raise(fmt::format("trim of {}", type_name(arguments[0])));
  return strip_text(context, text, Side::kBoth, *chars);
}

Value length(Context& context, const Value& value, const Bound&) {
  if (const auto length = length_of(context, value)) return *length;
  context.raise(fmt::format("the length of {}", type_name(value)));
}

Value upper(Context& context, const Value& value, const Bound&) {
  return change_case(context, "upper", text_of(context, value));
}
Value lower(Context& context, const Value& value, const Bound&) {
  return change_case(context, "lower", text_of(context, value));
}
Value capitalize(Context& context, const Value& value, const Bound&) {
  return change_case(context, "capitalize", text_of(context, value));
}

Value otherwise(Context&, const Value& value, const Bound& arguments) {
  const bool missing = is<Undefined>(value) || (truthy(arguments[1]) && !truthy(value));
  if (!missing) return value;
  return arguments.has(0) ? arguments[0] : Value(Text());
}

Value join(Context& context, const Value& value, const Bound& arguments) {
  if (arguments.has(1)) context.unsupported("the argument attribute of join");
  const Text separator = arguments.has(0) ? text_of(context, arguments[0]) : Text();
  return join_texts(context, items_of(context, value), separator);
}

Value first(Context& context, const Value& value, const Bound&) {
  const std::vector<Value> items = items_of(context, value);
  return items.empty() ? Undefined{"the first item of nothing"} : items.front();
}

Value last(Context& context, const Value& value, const Bound&) {
  const auto* stream = as<Stream*>(value);
  if (stream != nullptr && (*stream)->once) context.raise("the last item of an iterator");
  const std::vector<Value> items = items_of(context, value);
  return items.empty() ? Undefined{"the last item of nothing"} : items.back();
}

Value list(Context& context, const Value& value, const Bound&) {
  return context.list(items_of(context, value));
}

Value string(Context& context, const Value& value, const Bound&) { return text_of(context, value); }

Value reverse(Context& context, const Value& value, const Bound&) {
  std::vector<Value> items = items_of(context, value);
  std::reverse(items.begin(), items.end());
  if (is<Text>(value)) return join_texts(context, items, "");
  // Python cannot go through an iterator backwards, so jinja2 makes a list of it.
  const auto* stream = as<Stream*>(value);
  if (stream != nullptr && (*stream)->once) return context.list(std::move(items));
  return context.stream(std::move(items), true);
}

Value replaced(Context& context, const Value& value, const Bound& arguments) {
  if (!arguments.has(1)) context.raise("replace without its two texts");
  const bool limited = arguments.has(2) && !is<None>(arguments[2]);
  if (limited && !is_number(arguments[2])) context.raise("replace with a count that is no number");
  return replace_text(context, text_of(context, value), text_of(context, arguments[0]),
                      text_of(context, arguments[1]), limited ? number_of(arguments[2]) : -1);
}

Value dict_items(Context& context, const Value& value, const Bound&) {
  std::vector<Value> items;
  if (const auto* dict = as<const Dict*>(value)) {
    for (const auto& [key, item] : (*dict)->items) items.push_back(context.list({key, item}, true));
  } else if (!is<Undefined>(value)) {
    context.raise(fmt::format("the items of {}", type_name(value)));
  }
  return context.stream(std::move(items), true);
}

Value tojson(Context& context, const Value& value, const Bound& arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    const bool* flag = as<bool>(arguments[i]);
    const bool off = is<None>(arguments[i]) || (flag != nullptr && !*flag);
    if (arguments.has(i) && !off) context.unsupported("tojson with other settings");
  }
  return context.text(to_json(context, value));
}

// The name of an attribute; neither a path of several nor the number of an item.
const Text* attribute_name(const Value& value) {
  const Text* name = as<Text>(value);
  const bool plain = name != nullptr && name->find_first_of(".0123456789") == Text::npos;
  return plain ? name : nullptr;
}

Value map(Context& context, const Value& value, const Bound& arguments) {
  const Text* name = attribute_name(arguments[1]);
  if (arguments.has(0) || name == nullptr) {
    context.unsupported("map with anything but one attribute");
  }
  std::vector<Value> items = items_of(context, value);
  for (Value& each : items) each = item(context, each, *name);
  return context.stream(std::move(items), true);
}

// Items whose attribute passes the test, or does not.
Value select(Context& context, const Value& value, const Bound& arguments, bool keep) {
  const Text* name = attribute_name(arguments[0]);
  if (name == nullptr) {
    context.unsupported("selectattr and rejectattr with anything but one attribute");
  }
  const Text* test = as<Text>(arguments[1]);
  if (arguments.has(1) && test == nullptr) context.raise("a test that is no text");
  Arguments operands;
  if (arguments.has(2)) operands.values.push_back(arguments[2]);
  std::vector<Value> items = items_of(context, value);
  std::erase_if(items, [&](const Value& each) {
    const Value tested = item(context, each, *name);
    return keep !=
           (test != nullptr ? apply_test(context, *test, tested, operands) : truthy(tested));
  });
  return context.stream(std::move(items), true);
}

Value selectattr(Context& context, const Value& value, const Bound& arguments) {
  return select(context, value, arguments, true);
}
Value rejectattr(Context& context, const Value& value, const Bound& arguments) {
  return select(context, value, arguments, false);
}

const std::vector<Filter>& filters() {
  static const std::vector<Filter> list_of_all = {
      {"trim", {"chars"}, trim},
      {"length", {}, length},
      {"count", {}, length},
      {"upper", {}, upper},
      {"lower", {}, lower},
      {"capitalize", {}, capitalize},
      {"default", {"default_value", "boolean"}, otherwise},
      {"d", {"default_value", "boolean"}, otherwise},
      {"join", {"d", "attribute"}, join},
      {"first", {}, first},
      {"last", {}, last},
      {"list", {}, list},
      {"string", {}, string},
      {"reverse", {}, reverse},
      {"replace", {"old", "new", "count"}, replaced},
      {"items", {}, dict_items},
      {"tojson", {"ensure_ascii", "indent", "separators", "sort_keys"}, tojson},
      {"map", {"filter", "attribute"}, map},
      {"selectattr", {"attribute", "test", "operand"}, selectattr},
      {"rejectattr", {"attribute", "test", "operand"}, rejectattr}};
  return list_of_all;
}

}  // namespace

Value apply_filter(Context& context, Text name, const Value& value, const Arguments& arguments) {
  const std::vector<Filter>& all = filters();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Filter& f) { return f.name == name; });
  if (found == all.end()) context.unsupported(fmt::format("the filter {}", name));
  return found->apply(context, value, Bound(context, name, arguments, found->parameters));
}

void check_search(Context& context, Text text, Text part, size_t each) {
  context.read(text.size() + part.size());
  const size_t most = text.size() / std::max<size_t>(1, part.size()) + 1;
  context.check(most * each + part.size() * sizeof(size_t));
}

Value strip_text(Context& context, Text text, Side side, std::optional<Text> chars) {
  if (chars) context.work(chars->size());
  const Text rest = strip(text, side, chars);
  context.work((text.size() - rest.size()) / 4);
  return rest;
}

Value replace_text(Context& context, Text text, Text from, Text to, int64_t most) {
  check_search(context, text, from, sizeof(size_t));
  const std::vector<size_t> places = find_all(text, from, most);
  context.work(places.size());
  size_t added = 0;
  context.check(__builtin_mul_overflow(places.size(), to.size(), &added) ? SIZE_MAX : added);
  return context.text(replace_at(text, places, from.size(), to));
}

Value change_case(Context& context, Text name, Text text) {
  if (!is_ascii(text)) context.unsupported(fmt::format("{} of a text outside ASCII", name));
  context.read(text.size() * 4);
  std::string out(text);
  const size_t upper_end = name == "upper" ? out.size() : name == "capitalize" ? 1 : 0;
  for (size_t i = 0; i < out.size(); ++i) {
    const char c = out[i];
    if (i < upper_end && c >= 'a' && c <= 'z') out[i] = static_cast<char>(c - 'a' + 'A');
    if (i >= upper_end && c >= 'A' && c <= 'Z') out[i] = static_cast<char>(c - 'A' + 'a');
  }
  return context.text(std::move(out));
}

Value join_texts(Context& context, const std::vector<Value>& items, Text separator) {
  std::string out;
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out.append(separator);
    out.append(to_string(context, items[i]));
    context.check(out.size());
  }
  return context.text(std::move(out));
}

}  // namespace expertoire::jinja
