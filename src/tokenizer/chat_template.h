// A model's chat template: the documented subset of Jinja that chat templates use.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace expertoire {

struct ChatMessage {
  std::string role;  ///< "system", "user", "assistant"
  std::string content;
};

struct ChatOptions {
  bool add_generation_prompt = true;
  std::string bos_token;  ///< text of the token, "" if none
  std::string eos_token;
};

/// The prompt text, equal to jinja2's with trim_blocks and lstrip_blocks (as transformers renders).
/// Errors: kUnsupported naming the construct that is outside the subset, kBadFile for a template
/// that does not parse, kInvalidArgument for what the template itself raises (raise_exception).
std::string render_chat(std::string_view chat_template, const std::vector<ChatMessage>& messages,
                        const ChatOptions& options);

}  // namespace expertoire
