// manifest.json, train/a.u16 and held_out/a.u16, separated by lines of equals signs.
#include <vector>

#include "fuzz.h"
#include "train/manifest.h"
#include "train/token_dataset.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace expertoire;
  static const fuzz::Folder folder;
  for (const char* split : {"/train", "/held_out"}) {
    std::filesystem::create_directory(folder.path() + split);
  }
  const auto parts = fuzz::parts_of(fuzz::text_of(data, size), 3);
  const std::string path = folder.write("manifest.json", parts[0]);
  folder.write("train/a.u16", parts[1]);
  folder.write("held_out/a.u16", parts[2]);
  fuzz::may_refuse([&] {
    const train::Manifest manifest = train::Manifest::read(path);
    const train::Manifest again = train::Manifest::parse(manifest.to_json(), "again");
    fuzz::require(again == manifest, "a manifest survives writing");
  });
  fuzz::may_refuse([&] {
    const auto dataset = train::TokenDataset::open(folder.path(), "train");
    std::vector<int32_t> ids(4);
    for (int64_t n = 0; n < 8; ++n) {
      dataset.read(1, n, ids);
      for (const int32_t id : ids) fuzz::require(id >= 0 && id < dataset.vocab_size(), "ids exist");
    }
  });
  return 0;
}
