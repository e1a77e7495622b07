#include "train/commands.h"

int main(int argc, char** argv) {
  namespace train = expertoire::train;
  const std::vector<expertoire::cli::Command> commands = {
      train::kDataCommand, train::kDocumentsCommand, train::kPlotCommand};
  return expertoire::cli::run(
      {"expertoire-train", "Trains Monet and what it is compared with", commands}, argc, argv);
}
