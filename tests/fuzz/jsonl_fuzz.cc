// The same bytes as JSON Lines and as plain lines.
#include "fuzz.h"
#include "io/text_source.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace expertoire;
  static const fuzz::Folder folder;
  for (const char* name : {"a.jsonl", "a.txt"}) {
    const std::string path = folder.write(name, fuzz::text_of(data, size));
    fuzz::may_refuse([&] {
      TextSource texts(path, "text");
      while (const auto text = texts.next()) {
        fuzz::require(first_invalid_utf8(*text) == text->size(), "texts are UTF-8");
      }
      fuzz::require(texts.lines().bytes_read() == static_cast<int64_t>(size), "every byte is read");
    });
  }
  return 0;
}
