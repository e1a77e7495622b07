// Reading the components of tokenizer.json: typed access with errors that name the component.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace expertoire::tokenizer_json {

using nlohmann::json;

/// Above every id of every vocabulary.
inline constexpr int32_t kMaxId = 1 << 24;

/// The value of a key, or null when there is none or `component` is no object.
const json& at(const json& component, const char* key);
/// "type" of a component. Errors: kBadFile when it is no object with a type.
std::string type_of(const json& component, const char* what);
bool boolean(const json& component, const char* key, bool otherwise);
std::string text(const json& component, const char* key, const std::string& otherwise);
/// Text of exactly one character. Errors: kBadFile.
std::string character(const json& component, const char* key, const std::string& otherwise);
/// Metaspace's "prepend_scheme": always, first or never. Errors: kBadFile.
std::string prepend_scheme(const json& component);
/// A list. Errors: kBadFile.
const json& list(const json& component, const char* key);
/// A token id in [0, kMaxId]. Errors: kBadFile saying whose it is.
int32_t id(const json& value, const std::string& whose);

/// Components know neither their file nor what is being done: named() around them says it.
[[noreturn]] void bad(const std::string& found, const std::string& expected);
[[noreturn]] void unsupported(const std::string& what);
/// Runs `body`; an error that does not say so happened while `doing` `name`.
void named(const char* doing, const std::string& name, const std::function<void()>& body);

/// A hostile file must not make a text explode. Errors: kBadFile when `what` made more than sixteen
/// times the text that went in.
void check_growth(const char* what, size_t before, size_t after);
size_t total_size(const std::vector<std::string>& pieces);

}  // namespace expertoire::tokenizer_json
