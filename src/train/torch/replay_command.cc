// expertoire-train replay
#include "train/torch/commands.h"
#include "train/torch/replay.h"

namespace expertoire::train {
namespace {

struct Options {
  std::string golden, out;
  bool in_double = false;
  bool dense = false;
};

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("--golden", options->golden, "Folder with meta.json and train.safetensors")
      ->required();
  app.add_option("--out", options->out, "Gradients, weights and losses as safetensors")->required();
  app.add_flag("--double", options->in_double, "Compute in float64");
  app.add_flag("--dense", options->dense, "Monet by plain operators on all keys");
  return [options] { replay(options->golden, options->out, options->in_double, options->dense); };
}

}  // namespace

const cli::Command kReplayCommand = {"replay", "Training steps of a golden, for comparison", setup};

}  // namespace expertoire::train
