#include "fuzz.h"
#include "io/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace expertoire;
  static const fuzz::Folder folder;
  const std::string path = folder.write("a.npy", fuzz::text_of(data, size));
  fuzz::may_refuse([&] {
    const NpyMatrix matrix = read_npy(path);
    fuzz::require(matrix.rows >= 0 && matrix.columns >= 0, "sizes are not negative");
    fuzz::require(matrix.values.size() == static_cast<size_t>(matrix.rows * matrix.columns),
                  "a value for each place");
  });
  return 0;
}
