// Attributes, subscripts, slices and iteration.
#include <fmt/format.h>

#include <algorithm>

#include "tokenizer/jinja_library.h"
#include "tokenizer/jinja_operators.h"
#include "tokenizer/jinja_text.h"

namespace expertoire::jinja {
namespace {

struct Range {
  std::optional<int64_t> start, stop, step;
};

// The places that a slice of `count` items takes, as Python does.
std::vector<size_t> places(const Context& context, size_t count, const Range& range) {
  const int64_t size = static_cast<int64_t>(count);
  const int64_t step = range.step.value_or(1);
  if (step == 0) context.raise("a slice with step 0");
  const int64_t lowest = step > 0 ? 0 : -1;
  const int64_t highest = step > 0 ? size : size - 1;
  const auto bound = [&](const std::optional<int64_t>& given, int64_t otherwise) {
    if (!given) return otherwise;
    return std::clamp(*given < 0 ? *given + size : *given, lowest, highest);
  };
  const int64_t first = bound(range.start, step > 0 ? lowest : highest);
  const int64_t last = bound(range.stop, step > 0 ? highest : lowest);
  std::vector<size_t> found;
  for (int64_t at = first; step > 0 ? at < last : at > last; at += step) {
    found.push_back(static_cast<size_t>(at));
    if (step > 0 ? step >= last - at : step <= last - at) break;  // or `at` could overflow
  }
  return found;
}

Value slice_list(Context& context, const Sequence& list, const Range& range) {
  context.check(list.items.size() * (sizeof(Value) + sizeof(size_t)));
  context.work(list.items.size() / 2);
  std::vector<Value> items;
  for (size_t at : places(context, list.items.size(), range)) items.push_back(list.items[at]);
  return context.list(std::move(items), list.tuple);
}

Value slice_text(Context& context, Text text, const Range& range) {
  context.check(text.size() * (sizeof(Text) + sizeof(size_t)));
  context.read(text.size() * 8);
  const std::vector<size_t> taken = places(context, char_count(text), range);
  if (taken.empty()) return Text();
  if (range.step.value_or(1) == 1) return chars_between(text, taken.front(), taken.back() + 1);
  const std::vector<Text> characters = chars_of(text);
  std::string out;
  for (size_t at : taken) out.append(characters[at]);
  return context.text(std::move(out));
}

std::optional<int64_t> read_bound(const Context& context, const Value& value) {
  if (is<None>(value)) return std::nullopt;
  if (!is_number(value)) context.raise(fmt::format("a slice up to {}", type_name(value)));
  return number_of(value);
}

std::optional<size_t> place(size_t count, int64_t index) {
  const int64_t size = static_cast<int64_t>(count);
  if (index < -size || index >= size) return std::nullopt;
  return static_cast<size_t>(index < 0 ? index + size : index);
}

Undefined missing(Context& context, const Value& key) {
  if (const Text* name = as<Text>(key)) return {*name};
  if (is_number(key)) return {context.text(fmt::format("item {}", number_of(key)))};
  return {"an item"};
}

Value numbered_item(Context& context, const Value& base, const Value& key) {
  if (const auto* list = as<const Sequence*>(base)) {
    const auto at = place((*list)->items.size(), number_of(key));
    if (at) return (*list)->items[*at];
  } else if (const Text* text = as<Text>(base)) {
    context.read(text->size());
    const auto at = place(char_count(*text), number_of(key));
    if (at) return chars_between(*text, *at, *at + 1);
  } else if (is<Stream*>(base)) {
    context.unsupported("an item of an iterator");
  }
  return missing(context, key);
}

void refuse_undefined(const Context& context, const Value& base, Text what) {
  if (const Undefined* undefined = as<Undefined>(base)) {
    context.raise(fmt::format("{} of {}, which is undefined", what, undefined->name));
  }
}

}  // namespace

Value attribute(Context& context, const Value& base, Text name) {
  refuse_undefined(context, base, name);
  const bool callable = is<Function>(base) || is<const Stmt*>(base);
  if (callable || name.starts_with("__") || is_python_attribute(base, name)) {
    context.unsupported(fmt::format("the attribute {} of {}", name, type_name(base)));
  }
  if (const auto* dict = as<const Dict*>(base)) {
    context.work(1 + (*dict)->items.size() / 2);
    const Value* value = (*dict)->find(name);
    if (value != nullptr) return *value;
  } else if (const auto* space = as<Namespace*>(base)) {
    const auto found = (*space)->attributes.find(name);
    if (found != (*space)->attributes.end()) return found->second;
  }
  return Undefined{name};
}

void set_attribute(Context& context, Namespace* space, Text name, const Value& value) {
  if (name.starts_with("_")) {
    context.raise(fmt::format("the attribute {} of a namespace, which starts with _", name));
  }
  const auto [place, added] = space->attributes.insert_or_assign(name, value);
  if (added) context.reserve(sizeof(*place) + 64);
}

Value item(Context& context, const Value& base, const Value& key) {
  refuse_undefined(context, base, "an item");
  if (const Text* name = as<Text>(key)) {
    const auto* dict = as<const Dict*>(base);
    context.work(dict != nullptr ? 1 + (*dict)->items.size() / 2 : 1);
    const Value* value = dict != nullptr ? (*dict)->find(*name) : nullptr;
    return value != nullptr ? *value : attribute(context, base, *name);
  }
  return is_number(key) ? numbered_item(context, base, key) : missing(context, key);
}

Value slice(Context& context, const Value& base, const Slice& bounds) {
  refuse_undefined(context, base, "a slice");
  if (is<Stream*>(base)) context.unsupported("a slice of an iterator");
  const Range range{read_bound(context, bounds.start), read_bound(context, bounds.stop),
                    read_bound(context, bounds.step)};
  if (const Text* text = as<Text>(base)) return slice_text(context, *text, range);
  if (const auto* list = as<const Sequence*>(base)) return slice_list(context, **list, range);
  context.raise(fmt::format("a slice of {}", type_name(base)));
}

std::vector<Value> items_of(Context& context, const Value& value) {
  if (is<Undefined>(value)) return {};
  if (const auto* list = as<const Sequence*>(value)) {
    context.reserve((*list)->items.size() * sizeof(Value));
    return (*list)->items;
  }
  if (const auto* stream = as<Stream*>(value)) {
    context.reserve((*stream)->items.size() * sizeof(Value));
    if ((*stream)->once && std::exchange((*stream)->used, true)) {
      context.unsupported("going through an iterator twice");
    }
    return (*stream)->items;
  }
  std::vector<Value> items;
  if (const auto* dict = as<const Dict*>(value)) {
    context.reserve((*dict)->items.size() * sizeof(Value));
    for (const auto& [key, unused] : (*dict)->items) items.push_back(key);
  } else if (const Text* text = as<Text>(value)) {
    context.reserve(text->size() * sizeof(Value));
    for (Text character : chars_of(*text)) items.push_back(character);
  } else {
    context.raise(fmt::format("going through {}", type_name(value)));
  }
  return items;
}

std::optional<int64_t> length_of(Context& context, const Value& value) {
  size_t size = 0;
  if (const Text* text = as<Text>(value)) {
    context.read(text->size());
    size = char_count(*text);
  } else if (const auto* list = as<const Sequence*>(value)) {
    size = (*list)->items.size();
  } else if (const auto* dict = as<const Dict*>(value)) {
    size = (*dict)->items.size();
  } else if (const auto* stream = as<Stream*>(value); stream != nullptr && !(*stream)->once) {
    size = (*stream)->items.size();
  } else if (!is<Undefined>(value)) {
    return std::nullopt;
  }
  return static_cast<int64_t>(size);
}

}  // namespace expertoire::jinja
