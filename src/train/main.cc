#include "train/commands.h"
#ifdef EXPERTOIRE_TRAIN
#include "train/torch/commands.h"
#endif

int main(int argc, char** argv) {
  namespace train = expertoire::train;
  const std::vector<expertoire::cli::Command> commands = {
#ifdef EXPERTOIRE_TRAIN
      train::kRunCommand,   train::kReplayCommand,    train::kTrainingBenchCommand,
#endif
      train::kDataCommand,  train::kDocumentsCommand, train::kPlotCommand,
      train::kExportCommand};
  return expertoire::cli::run(
      {"expertoire-train", "Trains Monet and what it is compared with", commands}, argc, argv);
}
