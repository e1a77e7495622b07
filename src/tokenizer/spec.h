// Reading the components of tokenizer.json: typed access with errors that name the component.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace expertoire::tokenizer_json {

using nlohmann::json;

/// "type" of a component. Errors: kBadFile when it is no object with a type.
std::string type_of(const json& component, const char* what);
bool boolean(const json& component, const char* key, bool otherwise);
std::string text(const json& component, const char* key, const std::string& otherwise);
/// A list. Errors: kBadFile.
const json& list(const json& component, const char* key);

[[noreturn]] void bad(const std::string& found, const std::string& expected);
[[noreturn]] void unsupported(const std::string& what);

}  // namespace expertoire::tokenizer_json
