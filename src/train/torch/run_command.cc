// expertoire-train run
#include <fmt/format.h>

#include "cli/common.h"
#include "train/torch/commands.h"
#include "train/torch/process_group.h"
#include "train/torch/trainer.h"

namespace expertoire::train {
namespace {

struct Options {
  TrainerOptions trainer;
  std::string freeze;
  std::string process_group;
};

void run(Options options) {
  TrainerOptions& trainer = options.trainer;
  cli::choose("--freeze", options.freeze, {"", "router"});
  trainer.freeze_router = options.freeze == "router";
  std::unique_ptr<Processes> processes;
  if (!options.process_group.empty()) {
    processes = resolve_processes(options.process_group, at::Device(trainer.device));
  }
  trainer.processes = processes.get();
  trainer.cancel = &cli::interrupt_token();
  cli::ProgressBar bar("tokens");
  int64_t before = -1;  // tokens of an earlier part of the run take no time of this one
  trainer.progress = [&](int64_t done, int64_t total, const std::string& note) {
    if (before < 0) before = done;
    bar.update(done - before,
               static_cast<double>(done - before) /
                   static_cast<double>(std::max<int64_t>(total - before, 1)),
               note);
  };
  const std::string words = train(trainer);
  if (processes == nullptr || processes->rank() == 0) fmt::print("{}", words);
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  TrainerOptions& trainer = options->trainer;
  app.add_option("--config", trainer.config_path, "What to train and how (docs/training.md)")
      ->required();
  app.add_option("--data", trainer.data, "Folder that expertoire-train data wrote")->required();
  app.add_option("--out", trainer.out, "Folder of the run: its log and checkpoints")->required();
  app.add_flag("--resume", trainer.resume,
               "Continue the run in --out from its newest checkpoint, or begin it");
  app.add_option("--init", trainer.init, "Begin from the weights of a checkpoint folder");
  app.add_option("--freeze", options->freeze,
                 "router: its weights and statistics stay as they are");
  app.add_option("--tokenizer", trainer.tokenizer,
                 "Folder whose tokenizer goes into the checkpoints");
  app.add_option("--recalibrate-router", trainer.recalibrate_batches,
                 "At the end, estimate router statistics anew from so many batches")
      ->check(CLI::Range(0, 1 << 20));
  app.add_option("--process-group", options->process_group,
                 "Name of torchrun's group; scripts/train_distributed gives it");
  app.add_option("--device", trainer.device, "cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--threads", trainer.threads, "Threads (default: libtorch's choice)")
      ->check(CLI::Range(1, 1024));
  return [options] { run(*options); };
}

}  // namespace

const cli::Command kRunCommand = {"run", "Trains a model, with checkpoints to resume from", setup};

}  // namespace expertoire::train
