#include "tokenizer/jinja_error.h"

#include <fmt/format.h>

#include "base/error.h"

namespace expertoire::jinja {
namespace {

std::string at(int line, const std::string& found) {
  return fmt::format("line {}: {}", line, found);
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
