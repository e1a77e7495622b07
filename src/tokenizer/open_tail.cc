#include "tokenizer/open_tail.h"

#include <string>

#include "tokenizer/spec.h"

namespace expertoire {
namespace {

using tokenizer_json::json;

// What the steps so far do, in their order.
struct Steps {
  OpenTail tail = OpenTail::kCharacter;
  bool byte_tokens_kept = true;  // a token spells a byte only if its id's text does
  bool joined = false;           // all of the text is one token

  void add(const json& step);
  void add_fallback();
};

// A replacement with a character that no byte token has makes no byte token.
bool keeps_byte_tokens(const json& step, const std::string& type) {
  return type == "Replace" &&
         tokenizer_json::text(step, "content", "").find_first_not_of("<0x123456789abcdefABCDEF>") !=
             std::string::npos;
}

void Steps::add_fallback() {
  const bool first = tail == OpenTail::kCharacter && byte_tokens_kept;
  tail = first ? OpenTail::kByteRun : OpenTail::kAll;
}

void Steps::add(const json& step) {
  const std::string type = tokenizer_json::type_of(step, "decoder");
  if (type == "Sequence") {
    for (const json& part : tokenizer_json::list(step, "decoders")) add(part);
  } else if (joined) {
    // Only at the front of all of the text, once it is there.
    const json& stop = tokenizer_json::at(step, "stop");
    if (type != "Strip" || !(stop.is_null() || stop == 0)) tail = OpenTail::kAll;
  } else if (type == "ByteFallback") {
    add_fallback();
  } else if (type == "ByteLevel" || type == "Fuse") {
    joined = true;
  } else {  // each token by itself
    byte_tokens_kept = byte_tokens_kept && keeps_byte_tokens(step, type);
  }
}

}  // namespace

OpenTail open_tail(const json& decoder) {
  Steps steps;
  if (!decoder.is_null()) steps.add(decoder);
  return steps.tail;
}

}  // namespace expertoire
