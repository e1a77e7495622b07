// Any bytes as a chat template: rendered, or refused with an Error.
#include "fuzz.h"
#include "tokenizer/chat_template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace expertoire;
  const std::vector<ChatMessage> messages = {{"system", "be\nkind "}, {"user", "Zo\xc3\xab 1,2"}};
  const ChatOptions options{true, "<s>", "</s>", {{"n", int64_t{2}}, {"flag", false}}};
  fuzz::may_refuse(
      [&] { static_cast<void>(render_chat(fuzz::text_of(data, size), messages, options)); });
  return 0;
}
