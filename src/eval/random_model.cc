#include "eval/random_model.h"

#include <cmath>
#include <filesystem>
#include <random>
#include <vector>

#include "base/error.h"
#include "base/half.h"
#include "io/atomic_file.h"
#include "io/checkpoint.h"
#include "io/json.h"
#include "io/safetensors.h"

namespace expertoire {
namespace {

namespace fs = std::filesystem;

// Box–Muller on a 64-bit Mersenne Twister: the standard library's normal_distribution differs
// between implementations.
class Normal {
 public:
  explicit Normal(uint64_t seed) : generator_(seed) {}
  double next() {
    const double radius = std::sqrt(-2 * std::log(uniform()));
    return radius * std::cos(2 * 3.14159265358979323846 * uniform());
  }

 private:
  double uniform() { return (static_cast<double>(generator_() >> 11) + 0.5) / 9007199254740992.0; }
  std::mt19937_64 generator_;
};

std::vector<uint16_t> random_weights(const TensorView& like, double spread, Normal& normal) {
  std::vector<uint16_t> values(static_cast<size_t>(like.elements()));
  for (uint16_t& value : values) value = f32_to_bf16(static_cast<float>(spread * normal.next()));
  return values;
}

void make_folder(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw Error(ErrorCode::kIo, {"writing a random model", folder + ": " + error.message(),
                                 "a folder that can be made", ""});
  }
}

}  // namespace

void write_random_model(const std::string& source, const std::string& folder, uint64_t seed) {
  make_folder(folder);
  for (const std::string name : {"/config.json", "/tokenizer.json", "/tokenizer_config.json"}) {
    if (fs::exists(source + name)) write_file(folder + name, read_text_file(source + name));
  }
  const double spread = read_json_file(source + "/config.json").value("initializer_range", 0.02);
  const Checkpoint checkpoint = Checkpoint::open(source);
  Normal normal(seed);
  std::vector<std::vector<uint16_t>> values;
  std::vector<NamedTensor> tensors;
  for (const std::string& name : checkpoint.names()) {
    const TensorView& like = checkpoint.tensor(name);
    const bool bias = name.ends_with(".bias");
    values.push_back(like.shape.size() >= 2
                         ? random_weights(like, spread, normal)
                         : std::vector<uint16_t>(static_cast<size_t>(like.elements()),
                                                 f32_to_bf16(bias ? 0.0F : 1.0F)));
    tensors.push_back(
        {name,
         {DType::kBF16, like.shape, reinterpret_cast<const std::byte*>(values.back().data()),
          values.back().size() * sizeof(uint16_t)}});
  }
  write_safetensors(folder + "/model.safetensors", tensors);
}

}  // namespace expertoire
