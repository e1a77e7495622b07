// Methods of texts and dicts.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tokenizer/jinja_library.h"
#include "tokenizer/jinja_operators.h"

namespace expertoire::jinja {
namespace {

using std::string_view;

// All that Python's types have, so that none is mistaken for a key or for undefined.
constexpr auto kOfText = std::to_array<string_view>(
    {"capitalize",   "casefold",    "center",    "count",      "encode",       "endswith",
     "expandtabs",   "find",        "format",    "format_map", "index",        "isalnum",
     "isalpha",      "isascii",     "isdecimal", "isdigit",    "isidentifier", "islower",
     "isnumeric",    "isprintable", "isspace",   "istitle",    "isupper",      "join",
     "ljust",        "lower",       "lstrip",    "maketrans",  "partition",    "removeprefix",
     "removesuffix", "replace",     "rfind",     "rindex",     "rjust",        "rpartition",
     "rsplit",       "rstrip",      "split",     "splitlines", "startswith",   "strip",
     "swapcase",     "title",       "translate", "upper",      "zfill"});
constexpr auto kOfDict =
    std::to_array<string_view>({"clear", "copy", "fromkeys", "get", "items", "keys", "pop",
                                "popitem", "setdefault", "update", "values"});
constexpr auto kOfList =
    std::to_array<string_view>({"append", "clear", "copy", "count", "extend", "index", "insert",
                                "pop", "remove", "reverse", "sort"});
constexpr auto kOfNumber = std::to_array<string_view>(
    {"as_integer_ratio", "bit_count", "bit_length", "conjugate", "denominator", "from_bytes",
     "imag", "numerator", "real", "to_bytes"});

template <size_t N>
bool has(const std::array<string_view, N>& names, string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// A text argument that may be absent or none.
std::optional<Text> optional_text(const Context& context, const Bound& arguments, size_t i) {
  if (!arguments.has(i) || is<None>(arguments[i])) return std::nullopt;
  if (const Text* text = as<Text>(arguments[i])) return *text;
  context.raise(fmt::format("{} where a text belongs", type_name(arguments[i])));
}

Text text_argument(const Context& context, const Bound& arguments, size_t i) {
  if (const auto text = optional_text(context, arguments, i)) return *text;
  context.raise("a method without the text that it needs");
}

int64_t count_argument(const Context& context, const Bound& arguments, size_t i) {
  if (!arguments.has(i)) return -1;
  if (is_number(arguments[i])) return number_of(arguments[i]);
  context.raise(fmt::format("{} where a number belongs", type_name(arguments[i])));
}

// The parameters from number `first` on are Python's, but not of the subset.
void refuse_rest(const Context& context, Text name, const Bound& arguments, size_t first) {
  for (size_t i = first; i < arguments.size(); ++i) {
    if (arguments.has(i)) context.unsupported(fmt::format("{} with {} arguments", name, i + 1));
  }
}

Value strip_method(Context& context, Text name, Text text, const Arguments& arguments) {
  const Bound bound(context, name, arguments, {"chars"});
  const Side side = name == "strip" ? Side::kBoth : name == "lstrip" ? Side::kLeft : Side::kRight;
  return strip_text(context, text, side, optional_text(context, bound, 0));
}

Value split_method(Context& context, Text text, const Arguments& arguments) {
  const Bound bound(context, "split", arguments, {"sep", "maxsplit"});
  const auto separator = optional_text(context, bound, 0);
  if (separator && separator->empty()) context.raise("split at an empty text");
  check_search(context, text, separator.value_or(" "), sizeof(size_t) + sizeof(Text));
  std::vector<Value> parts;
  for (Text part : split(text, separator, count_argument(context, bound, 1))) {
    context.work();
    parts.push_back(part);
  }
  return context.list(std::move(parts));
}

Value ends_method(Context& context, Text name, Text text, const Arguments& arguments) {
  const Bound bound(context, name, arguments, {"part", "start", "end"});
  refuse_rest(context, name, bound, 1);
  const bool start = name == "startswith";
  const auto matches = [&](const Value& part) {
    const Text* wanted = as<Text>(part);
    if (wanted == nullptr) context.raise(fmt::format("{} of {}", name, type_name(part)));
    context.work();
    context.read(wanted->size());
    return start ? text.starts_with(*wanted) : text.ends_with(*wanted);
  };
  const auto* tuple = as<const Sequence*>(bound[0]);
  if (tuple == nullptr || !(*tuple)->tuple) return matches(bound[0]);
  return std::any_of((*tuple)->items.begin(), (*tuple)->items.end(), matches);
}

Value find_method(Context& context, Text text, const Arguments& arguments) {
  const Bound bound(context, "find", arguments, {"part", "start", "end"});
  refuse_rest(context, "find", bound, 1);
  const Text part = text_argument(context, bound, 0);
  check_search(context, text, part, 0);
  const size_t at = find_text(text, part);
  if (at == string_view::npos) return int64_t{-1};
  return static_cast<int64_t>(char_count(text.substr(0, at)));
}

Value replace_method(Context& context, Text text, const Arguments& arguments) {
  const Bound bound(context, "replace", arguments, {"old", "new", "count"});
  return replace_text(context, text, text_argument(context, bound, 0),
                      text_argument(context, bound, 1), count_argument(context, bound, 2));
}

Value join_method(Context& context, Text separator, const Arguments& arguments) {
  const Bound bound(context, "join", arguments, {"items"});
  const std::vector<Value> items = items_of(context, bound[0]);
  for (const Value& item : items) {
    if (!is<Text>(item)) context.raise(fmt::format("join of {}", type_name(item)));
  }
  return join_texts(context, items, separator);
}

std::optional<Value> text_method(Context& context, Text name, Text text,
                                 const Arguments& arguments) {
  context.read(text.size());
  if (name == "strip" || name == "lstrip" || name == "rstrip") {
    return strip_method(context, name, text, arguments);
  }
  if (name == "startswith" || name == "endswith") {
    return ends_method(context, name, text, arguments);
  }
  if (name == "split") return split_method(context, text, arguments);
  if (name == "find") return find_method(context, text, arguments);
  if (name == "replace") return replace_method(context, text, arguments);
  if (name == "upper" || name == "lower" || name == "capitalize") {
    const Bound none(context, name, arguments, {});
    return change_case(context, name, text);
  }
  if (name == "join") return join_method(context, text, arguments);
  return std::nullopt;
}

std::optional<Value> dict_method(Context& context, Text name, const Dict& dict,
                                 const Arguments& arguments) {
  context.work(1 + dict.items.size() / 2);
  if (name == "get") {
    const Bound bound(context, name, arguments, {"key", "default"});
    const Value* value = is<Text>(bound[0]) ? dict.find(std::get<Text>(bound[0])) : nullptr;
    if (value != nullptr) return *value;
    return bound.has(1) ? bound[1] : Value(None());
  }
  if (name != "keys" && name != "values" && name != "items") return std::nullopt;
  const Bound none(context, name, arguments, {});
  std::vector<Value> items;
  for (const auto& [key, value] : dict.items) {
    items.push_back(name == "keys"     ? Value(key)
                    : name == "values" ? value
                                       : context.list({key, value}, true));
  }
  return context.stream(std::move(items), false);
}

}  // namespace

std::optional<Value> call_method(Context& context, const Value& base, Text name,
                                 const Arguments& arguments) {
  std::optional<Value> result;
  if (const Text* text = as<Text>(base)) result = text_method(context, name, *text, arguments);
  if (const auto* dict = as<const Dict*>(base)) {
    result = dict_method(context, name, **dict, arguments);
  }
  if (!result && is_python_attribute(base, name)) {
    context.unsupported(fmt::format("the method {} of {}", name, type_name(base)));
  }
  return result;
}

bool is_python_attribute(const Value& base, Text name) {
  if (is<Text>(base)) return has(kOfText, name);
  if (is<const Dict*>(base)) return has(kOfDict, name);
  if (is<const Sequence*>(base)) return has(kOfList, name);
  return is_number(base) && has(kOfNumber, name);
}

}  // namespace expertoire::jinja
