#include "train/torch/commands.h"

int main(int argc, char** argv) {
  using namespace expertoire;
  const std::vector<cli::Command> commands = {train::kReplayCommand};
  return cli::run({"expertoire-train", "Trains Monet and what it is compared with", commands}, argc,
                  argv);
}
