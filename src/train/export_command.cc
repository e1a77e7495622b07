// expertoire-train export
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "cli/common.h"
#include "io/atomic_file.h"
#include "io/checkpoint.h"
#include "io/folder_writer.h"
#include "io/json.h"
#include "train/commands.h"

namespace expertoire::train {
namespace {

struct Options {
  std::string checkpoint, out;
  std::string dtype = "bf16";
};

// Statistics stay in f32: thresholds hang on them.
bool narrows(const std::string& name, const TensorView& view) {
  return view.dtype == DType::kF32 && name.find(".running_") == std::string::npos;
}

void write_weights(const Checkpoint& checkpoint, bool bf16, const std::string& path) {
  std::vector<NamedTensor> tensors;
  std::vector<std::unique_ptr<std::vector<uint16_t>>> narrow;  // alive until written
  for (const std::string& name : checkpoint.names()) {
    TensorView view = checkpoint.tensor(name);
    if (bf16 && narrows(name, view)) {
      const auto count = static_cast<size_t>(view.elements());
      std::vector<float> values(count);
      read_f32(view, 0, view.elements(), values.data());
      auto& bits = *narrow.emplace_back(std::make_unique<std::vector<uint16_t>>(count));
      std::transform(values.begin(), values.end(), bits.begin(), f32_to_bf16);
      view = {DType::kBF16, view.shape, reinterpret_cast<const std::byte*>(bits.data()), 2 * count};
    }
    tensors.push_back({name, view});
  }
  write_safetensors(path, tensors, {{"format", "pt"}});
}

void export_model(const Options& options) {
  const bool bf16 = cli::choose("--dtype", options.dtype, {"f32", "bf16"}) == 1;
  const Checkpoint checkpoint = Checkpoint::open(options.checkpoint);
  nlohmann::json config = read_json_file(options.checkpoint + "/config.json");
  config["dtype"] = bf16 ? "bfloat16" : "float32";
  FolderWriter writer(options.out);
  write_weights(checkpoint, bf16, writer.temporary() + "/model.safetensors");
  write_file(writer.temporary() + "/config.json", config.dump(1) + "\n");
  for (const auto& entry : std::filesystem::directory_iterator(options.checkpoint)) {
    const std::string name = entry.path().filename().string();
    const bool tokenizer = name.starts_with("tokenizer") || name == "special_tokens_map.json" ||
                           name == "generation_config.json";
    if (tokenizer) write_file(writer.temporary() + "/" + name, read_text_file(entry.path()));
  }
  writer.commit();
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("--checkpoint", options->checkpoint, "A checkpoint folder of a run")->required();
  app.add_option("--out", options->out, "New folder: the model without the trainer's state")
      ->required();
  app.add_option("--dtype", options->dtype, "f32 or bf16")->capture_default_str();
  return [options] { export_model(*options); };
}

}  // namespace

const cli::Command kExportCommand = {"export", "A checkpoint as a model folder, in f32 or bf16",
                                     setup};

}  // namespace expertoire::train
