// libexpertoire_train.so: what scripts/train_distributed loads into a process of torchrun.
#include "train/torch/commands.h"

/// The program's main, in a process that has a process group already (run --process-group NAME).
extern "C" __attribute__((visibility("default"))) int expertoire_train_main(
    int argc, const char* const* argv) {
  using namespace expertoire;
  const std::vector<cli::Command> commands = {train::kRunCommand};
  return cli::run({"expertoire-train", "Trains Monet and what it is compared with", commands}, argc,
                  argv);
}
