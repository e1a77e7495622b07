#include "base/error.h"

#include <cstdint>

namespace expertoire {
namespace {

void append_visible(std::string_view part, std::string& text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (const char c : part) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      text += c;
    } else {
      text += "\\x";
      text += kHex[byte >> 4];
      text += kHex[byte & 15];
    }
  }
}

std::string sentence(const Error::Parts& parts) {
  std::string text;
  const auto put = [&](std::string_view before, std::string_view part) {
    if (part.empty()) return;
    if (!text.empty()) text += before;
    append_visible(part, text);
  };
  put("", parts.operation);
  put(": ", parts.found);
  put("; expected ", parts.expected);
  put("; ", parts.advice);
  return text;
}

}  // namespace

std::string_view error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return "invalid_argument";
    case ErrorCode::kNotFound: return "not_found";
    case ErrorCode::kBadFile: return "bad_file";
    case ErrorCode::kUnsupported: return "unsupported";
    case ErrorCode::kTooLong: return "too_long";
    case ErrorCode::kIo: return "io";
    case ErrorCode::kNumeric: return "numeric";
    case ErrorCode::kCancelled: return "cancelled";
    case ErrorCode::kInternal: return "internal";
  }
  return "internal";
}

Error::Error(ErrorCode code, Parts parts)
    : std::runtime_error(sentence(parts)), code_(code), parts_(std::move(parts)) {}

}  // namespace expertoire
