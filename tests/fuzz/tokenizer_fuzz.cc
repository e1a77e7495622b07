// tokenizer.json, tokenizer_config.json (may be missing) and a text, separated by lines of equals
// signs.
#include "fuzz.h"
#include "tokenizer/tokenizer.h"

namespace {

using namespace expertoire;

void use(const Tokenizer& tokenizer, std::string_view text) {
  const std::vector<int32_t> ids = tokenizer.encode(text);
  for (const int32_t id : ids) {
    fuzz::require(id >= 0 && id < tokenizer.vocab_size(), "encode gives ids of the vocabulary");
  }
  for (const bool skip_special : {false, true}) {
    const std::string back = tokenizer.decode(ids, skip_special);
    fuzz::require(first_invalid_utf8(back) == back.size(), "decoded text is UTF-8");
    StreamDecoder stream(tokenizer, skip_special);
    std::string streamed;
    const auto show = [&](const std::string& piece) {
      fuzz::require(first_invalid_utf8(piece) == piece.size(), "a streamed piece is UTF-8");
      streamed += piece;
    };
    for (const int32_t id : ids) show(stream.push(id));
    show(stream.finish());
    fuzz::require(streamed == back, "streamed text is the text of all ids");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto parts = fuzz::parts_of(fuzz::text_of(data, size), 3);
  fuzz::may_refuse([&] {
    const Tokenizer tokenizer = Tokenizer::from_json(parts[0], parts[1]);
    fuzz::may_refuse([&] { use(tokenizer, "aab  ab <s>\n12 \xc3\xa9\xe2\x82\xac"); });
    fuzz::may_refuse([&] { use(tokenizer, parts[2].substr(0, 1000)); });
  });
  return 0;
}
