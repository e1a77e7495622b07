// Reading JSON that somebody else wrote.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace expertoire {

struct JsonLimits {
  int max_depth = 64;
  size_t max_bytes = size_t{256} << 20;
};

/// Parses one JSON document. Errors (kBadFile, naming `what`): not UTF-8, not JSON (with the byte
/// position), nested deeper than the limit, the same key twice in one object, too large. All text
/// in the result is UTF-8.
nlohmann::json parse_json(std::string_view text, const std::string& what, JsonLimits limits = {});

/// Reads and parses a file. Errors: kNotFound, kIo, and those of parse_json.
nlohmann::json read_json_file(const std::string& path, JsonLimits limits = {});

/// A value as it may stand in an error message: one line of printable ASCII, cut after about 80
/// characters.
std::string in_short(const nlohmann::json& value);

/// A whole file as a string. Errors: kNotFound, kIo, kBadFile when larger than `max_bytes`.
std::string read_text_file(const std::string& path, size_t max_bytes = size_t{1} << 30);

}  // namespace expertoire
