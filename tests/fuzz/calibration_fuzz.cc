#include "embed/calibration.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace expertoire;
  static const fuzz::Folder folder;
  const std::string path = folder.write("calibration.safetensors", fuzz::text_of(data, size));
  fuzz::may_refuse([&] {
    const Calibration calibration = Calibration::load(path);
    for (const auto& [prompt, set] : calibration.sets) {
      std::vector<float> values(set.hidden_mean.size(), 1.0F);
      standardize(set.hidden_mean, set.hidden_std, values);
      values.resize(set.routing_mean.size());
      standardize(set.routing_mean, set.routing_std, values);
      (void)calibration.set(prompt, {});
    }
  });
  return 0;
}
