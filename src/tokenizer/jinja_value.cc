#include "tokenizer/jinja_value.h"

#include <algorithm>
#include <array>

namespace expertoire::jinja {

const Value* Dict::find(Text key) const {
  const auto found =
      std::find_if(items.begin(), items.end(), [&](const auto& item) { return item.first == key; });
  return found == items.end() ? nullptr : &found->second;
}

bool is_number(const Value& value) { return is<bool>(value) || is<int64_t>(value); }

int64_t number_of(const Value& value) {
  const bool* flag = as<bool>(value);
  return flag != nullptr ? static_cast<int64_t>(*flag) : std::get<int64_t>(value);
}

bool truthy(const Value& value) {
  if (is<Undefined>(value) || is<None>(value)) return false;
  if (is_number(value)) return number_of(value) != 0;
  if (const Text* text = as<Text>(value)) return !text->empty();
  if (const auto* list = as<const Sequence*>(value)) return !(*list)->items.empty();
  if (const auto* dict = as<const Dict*>(value)) return !(*dict)->items.empty();
  if (const auto* stream = as<Stream*>(value)) return (*stream)->once || !(*stream)->items.empty();
  return true;
}

std::string_view type_name(const Value& value) {
  static constexpr std::array<std::string_view, std::variant_size_v<Value>> kNames = {
      "undefined", "none",        "a boolean",   "a number",   "a text", "a list",
      "a dict",    "an iterator", "a namespace", "a function", "a macro"};
  return kNames[value.index()];
}

}  // namespace expertoire::jinja
