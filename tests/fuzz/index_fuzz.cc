// Index, m.safetensors and n.safetensors, separated by lines of equals signs.
#include "fuzz.h"
#include "io/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace expertoire;
  static const fuzz::Folder folder;
  const auto parts = fuzz::parts_of(fuzz::text_of(data, size), 3);
  folder.write("model.safetensors.index.json", parts[0]);
  folder.write("m.safetensors", parts[1]);
  folder.write("n.safetensors", parts[2]);
  fuzz::may_refuse([&] {
    const Checkpoint checkpoint = Checkpoint::open(folder.path());
    for (const std::string& name : checkpoint.names()) {
      fuzz::require(checkpoint.contains(name), "a listed tensor is there");
      (void)checkpoint.tensor(name);
      checkpoint.release(name);
    }
  });
  return 0;
}
