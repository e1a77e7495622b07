#include "cli/command.h"

int main(int argc, char** argv) {
  namespace cli = expertoire::cli;
  const cli::Program program = {
      "expertoire", "Embeddings, traces and edits of the routing of Mixture-of-Experts models",
      cli::commands()};
  return cli::run(program, argc, argv);
}
