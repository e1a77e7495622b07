// A model's chat template: the documented subset of Jinja that chat templates use.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace expertoire {

struct ChatMessage {
  std::string role;  ///< "system", "user", "assistant"
  std::string content;
};

struct ChatOptions {
  bool add_generation_prompt = true;
  std::string bos_token = {};  ///< text of the token, "" if none: then undefined in the template
  std::string eos_token = {};
  /// More variables of the template, e.g. {"enable_thinking", false}.
  std::map<std::string, std::variant<bool, int64_t, std::string>> variables = {};
};

/// The prompt text, equal to jinja2's with trim_blocks and lstrip_blocks (as transformers renders).
/// docs/chat_templates.md lists the subset and the limits.
/// Errors: kUnsupported naming the construct that is outside the subset, kBadFile for a template
/// that does not parse, kInvalidArgument for what the template itself raises (raise_exception) and
/// for what Jinja raises on these messages, kTooLong for a limit.
std::string render_chat(std::string_view chat_template, const std::vector<ChatMessage>& messages,
                        const ChatOptions& options);

}  // namespace expertoire
