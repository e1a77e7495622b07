// How a chat template can fail.
#pragma once

#include <string>

namespace expertoire::jinja {

/// kBadFile: the template is no Jinja.
[[noreturn]] void throw_syntax(int line, const std::string& found,
                               const std::string& expected = "");
/// kUnsupported: Jinja, but outside the subset of docs/chat_templates.md.
[[noreturn]] void throw_unsupported(int line, const std::string& construct);
/// kInvalidArgument: what the template, or Jinja for it, raises on these messages.
[[noreturn]] void throw_raised(int line, const std::string& found);
/// kTooLong: a limit of docs/chat_templates.md.
[[noreturn]] void throw_limit(int line, const std::string& found, const std::string& limit);

}  // namespace expertoire::jinja
