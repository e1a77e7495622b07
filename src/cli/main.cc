#include "cli/command.h"

int main(int argc, char** argv) {
  using namespace expertoire::cli;
  const Program program = {
      "expertoire", "Embeddings, traces and edits of the routing of Mixture-of-Experts models",
      commands()};
  return run(program, argc, argv);
}
