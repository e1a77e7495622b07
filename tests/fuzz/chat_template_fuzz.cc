// Any bytes as a chat template: rendered, or refused with an Error.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizer/chat_template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace expertoire;
  const std::vector<ChatMessage> messages = {{"system", "be\nkind "}, {"user", "Zo\xc3\xab 1,2"}};
  const ChatOptions options{true, "<s>", "</s>", {{"n", int64_t{2}}, {"flag", false}}};
  try {
    static_cast<void>(render_chat({reinterpret_cast<const char*>(data), size}, messages, options));
  } catch (const Error& error) {  // refusing is fine, in one short line
    const std::string_view sentence = error.what();
    const bool fine = sentence.size() < 2000 && first_invalid_utf8(sentence) == sentence.size() &&
                      sentence.find_first_of(std::string_view("\n\r\0", 3)) == sentence.npos;
    if (!fine) std::abort();
  }
  return 0;
}
