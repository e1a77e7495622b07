#include "fuzz.h"
#include "io/token_ids.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace expertoire;
  static const fuzz::Folder folder;
  const std::string path = folder.write("ids.json", fuzz::text_of(data, size));
  fuzz::may_refuse([&] {
    for (const std::vector<int32_t>& sequence : read_ids(path)) {
      fuzz::require(!sequence.empty(), "no sequence is empty");
      for (const int32_t id : sequence) fuzz::require(id >= 0, "ids are not negative");
    }
  });
  return 0;
}
