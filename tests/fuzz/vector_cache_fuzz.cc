// A cache of vectors: whatever lies in the file, it is refused untouched, or cut to whole records.
#include "eval/vector_cache.h"

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace expertoire;
  static const fuzz::Folder folder;
  const std::string path = folder.write("cache", fuzz::text_of(data, size));
  fuzz::may_refuse([&] {
    size_t records = 0;
    {
      VectorCache cache(path);
      records = cache.size();
      cache.add("a new key", {{1, 2}, {3}});
      const auto found = cache.find("a new key");
      fuzz::require(found.has_value(), "what is added is found");
    }
    const VectorCache again(path);
    fuzz::require(again.size() >= records && again.size() <= records + 1, "records stay");
    fuzz::require(again.find("a new key").has_value(), "records outlive the process");
  });
  return 0;
}
