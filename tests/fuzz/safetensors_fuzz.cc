#include <algorithm>

#include "fuzz.h"
#include "io/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace expertoire;
  static const fuzz::Folder folder;
  const std::string path = folder.write("a.safetensors", fuzz::text_of(data, size));
  fuzz::may_refuse([&] {
    const SafetensorsFile file = SafetensorsFile::open(path);
    for (const auto& [name, view] : file.tensors()) {
      fuzz::require(view.elements() * static_cast<int64_t>(dtype_size(view.dtype)) ==
                        static_cast<int64_t>(view.bytes),
                    "a tensor's bytes are those of its shape");
      const bool floats =
          view.dtype == DType::kF32 || view.dtype == DType::kBF16 || view.dtype == DType::kF16;
      std::vector<float> values(static_cast<size_t>(std::min<int64_t>(view.elements(), 4096)));
      if (floats) {
        read_f32(view, view.elements() - static_cast<int64_t>(values.size()),
                 static_cast<int64_t>(values.size()), values.data());
      }
      file.release(view);
    }
  });
  return 0;
}
