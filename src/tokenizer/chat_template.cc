#include "tokenizer/chat_template.h"

#include "base/error.h"

namespace expertoire {

std::string render_chat(std::string_view, const std::vector<ChatMessage>&, const ChatOptions&) {
  throw Error(ErrorCode::kUnsupported, {"rendering a chat template", "not implemented", "", ""});
}

}  // namespace expertoire
