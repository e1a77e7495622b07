#include "engine/generation_config.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace expertoire;
  static const fuzz::Folder folder;
  const std::string path = folder.write("generation_config.json", fuzz::text_of(data, size));
  fuzz::may_refuse([&] {
    for (const int32_t id : read_stop_ids(path)) fuzz::require(id >= 0, "ids are not negative");
  });
  return 0;
}
