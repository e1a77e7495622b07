#include "tokenizer/jinja_error.h"

#include <fmt/format.h>

#include "base/error.h"
#include "tokenizer/unicode.h"

namespace expertoire::jinja {
namespace {

// Templates choose what is quoted in messages, so these stay one short line of UTF-8.
std::string at(int line, const std::string& found) {
  constexpr size_t kMaxQuoted = 500;
  const bool long_text = found.size() > kMaxQuoted;
  std::string text = lossy_utf8(std::string_view(found).substr(0, kMaxQuoted));
  for (char& c : text) {
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return fmt::format("line {}: {}{}", line, text, long_text ? " …" : "");
}

}  // namespace

void throw_syntax(int line, const std::string& found, const std::string& expected) {
  throw Error(ErrorCode::kBadFile, {"reading the chat template", at(line, found), expected, ""});
}

void throw_unsupported(int line, const std::string& construct) {
  throw Error(ErrorCode::kUnsupported,
              {"running the chat template", at(line, construct),
               "the subset of Jinja of docs/chat_templates.md",
               "format the prompt yourself, or give the model a template without it"});
}

void throw_raised(int line, const std::string& found) {
  throw Error(ErrorCode::kInvalidArgument,
              {"running the chat template on these messages", at(line, found), "", ""});
}

void throw_limit(int line, const std::string& found, const std::string& limit) {
  throw Error(ErrorCode::kTooLong, {"running the chat template", at(line, found), limit, ""});
}

}  // namespace expertoire::jinja
