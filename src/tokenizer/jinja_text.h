// Python's operations on strings, for UTF-8: a character is a code point.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace expertoire::jinja {

/// str.isspace of one character; also what \s matches.
bool is_space(uint32_t code_point);

/// Number of characters.
size_t char_count(std::string_view text);
/// Every character of `text`, as a part of it.
std::vector<std::string_view> chars_of(std::string_view text);

/// The characters from number `first` up to number `last` (not included).
std::string_view chars_between(std::string_view text, size_t first, size_t last);

enum class Side { kLeft, kRight, kBoth };
/// Without the characters of `chars` (white space when absent) at its ends.
std::string_view strip(std::string_view text, Side side = Side::kBoth,
                       std::optional<std::string_view> chars = std::nullopt);

/// At every `separator`, or at runs of white space when absent; at most `most` times (< 0: always).
/// `separator` is not empty.
std::vector<std::string_view> split(std::string_view text,
                                    std::optional<std::string_view> separator, int64_t most);

/// Offset in bytes of the first `part`, or npos. Linear time, as all that searches here.
size_t find_text(std::string_view text, std::string_view part);
/// Offsets of `part` from the left, none overlapping, at most `most` (< 0: all). An empty one
/// stands before every character and at the end.
std::vector<size_t> find_all(std::string_view text, std::string_view part, int64_t most);
/// With `to` instead of the `size` bytes at each of `places`.
std::string replace_at(std::string_view text, const std::vector<size_t>& places, size_t size,
                       std::string_view to);

bool is_ascii(std::string_view text);

}  // namespace expertoire::jinja
