#include "base/error.h"

namespace expertoire {
namespace {

std::string sentence(const Error::Parts& parts) {
  std::string text = parts.operation;
  if (!parts.found.empty()) text += (text.empty() ? "" : ": ") + parts.found;
  if (!parts.expected.empty()) text += "; expected " + parts.expected;
  if (!parts.advice.empty()) text += "; " + parts.advice;
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
