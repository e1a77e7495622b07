#include "tokenizer/spec.h"

#include "base/error.h"

namespace expertoire::tokenizer_json {

void bad(const std::string& found, const std::string& expected) {
  throw Error(ErrorCode::kBadFile, {"reading tokenizer.json", found, expected,
                                    "check that the file is complete and unedited"});
}

void unsupported(const std::string& what) {
  throw Error(ErrorCode::kUnsupported, {"reading tokenizer.json", what + " is not implemented",
                                        "a component that docs/tokenizers.md lists", ""});
}

std::string type_of(const json& component, const char* what) {
  if (!component.is_object() || !component.contains("type") || !component["type"].is_string()) {
    bad(std::string("a ") + what + " without a type", "an object with \"type\"");
  }
  return component["type"].get<std::string>();
}

bool boolean(const json& component, const char* key, bool otherwise) {
  const json value = component.value(key, json());
  if (value.is_null()) return otherwise;
  if (!value.is_boolean()) bad(std::string(key) + " is " + value.dump(), "true or false");
  return value.get<bool>();
}

std::string text(const json& component, const char* key, const std::string& otherwise) {
  const json value = component.value(key, json());
  if (value.is_null()) return otherwise;
  if (!value.is_string()) bad(std::string(key) + " is " + value.dump(), "a string");
  return value.get<std::string>();
}

const json& list(const json& component, const char* key) {
  const auto found = component.find(key);
  if (found == component.end() || !found->is_array()) {
    bad(std::string("no list \"") + key + "\"", "a list");
  }
  return *found;
}

}  // namespace expertoire::tokenizer_json
