#include "tokenizer/spec.h"

#include <fmt/format.h>

#include "base/error.h"
#include "io/json.h"
#include "io/refuse.h"
#include "tokenizer/unicode.h"

namespace expertoire::tokenizer_json {

void bad(const std::string& found, const std::string& expected) {
  throw Error(ErrorCode::kBadFile,
              {"", found, expected, "check that the file is complete and unedited"});
}

void unsupported(const std::string& what) {
  throw Error(ErrorCode::kUnsupported,
              {"", what + ", which is not implemented", "a component that docs/tokenizers.md lists",
               "use a model with another tokenizer"});
}

void named(const char* doing, const std::string& name, const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    Error::Parts parts = error.parts();
    if (parts.operation.empty()) parts.operation = fmt::format("{} {}", doing, name);
    throw Error(error.code(), std::move(parts));
  }
}

const json& at(const json& component, const char* key) {
  static const json null;
  const auto found = component.find(key);  // end() unless it is an object
  return found == component.end() ? null : *found;
}

std::string type_of(const json& component, const char* what) {
  const json& type = at(component, "type");
  if (!type.is_string()) {
    bad(fmt::format("the {} {} without a type", what, in_short(component)),
        "an object with a \"type\"");
  }
  return type.get<std::string>();
}

bool boolean(const json& component, const char* key, bool otherwise) {
  const json& value = at(component, key);
  if (value.is_null()) return otherwise;
  if (!value.is_boolean()) bad(fmt::format("{} is {}", key, in_short(value)), "true or false");
  return value.get<bool>();
}

std::string text(const json& component, const char* key, const std::string& otherwise) {
  const json& value = at(component, key);
  if (value.is_null()) return otherwise;
  if (!value.is_string()) bad(fmt::format("{} is {}", key, in_short(value)), "a string");
  return value.get<std::string>();
}

std::string character(const json& component, const char* key, const std::string& otherwise) {
  std::string value = text(component, key, otherwise);
  if (value.empty() || utf8_length(value[0]) != value.size()) {
    bad(fmt::format("{} is {}", key, in_quotes(value)), "one character");
  }
  return value;
}

std::string prepend_scheme(const json& component) {
  const bool prefix = boolean(component, "add_prefix_space", true);
  std::string scheme = text(component, "prepend_scheme", prefix ? "always" : "never");
  if (scheme != "always" && scheme != "first" && scheme != "never") {
    bad("prepend_scheme is " + in_quotes(scheme), "always, first or never");
  }
  return scheme;
}

const json& list(const json& component, const char* key) {
  const json& value = at(component, key);
  if (!value.is_array()) bad(fmt::format("{} is {}", key, in_short(value)), "a list");
  return value;
}

int32_t id(const json& value, const std::string& whose) {
  if (!value.is_number_integer() || value < 0 || value > kMaxId) {
    bad(fmt::format("the id {} of {}", in_short(value), whose),
        fmt::format("a whole number from 0 to {}", kMaxId));
  }
  return value.get<int32_t>();
}

void check_growth(const char* what, size_t before, size_t after) {
  constexpr size_t kMost = 16;
  constexpr size_t kAlways = 1024;  // a prefix weighs much on a short text
  if (after / kMost <= before + kAlways / kMost) return;
  throw Error(
      ErrorCode::kBadFile,
      {"", fmt::format("a {} that makes {} bytes of {}", what, after, before),
       fmt::format("at most {} times as many", kMost), "use a model with another tokenizer"});
}

size_t total_size(const std::vector<std::string>& pieces) {
  size_t size = 0;
  for (const std::string& piece : pieces) size += piece.size();
  return size;
}

}  // namespace expertoire::tokenizer_json
