// expertoire eval: a command for each task
#include "cli/command.h"
#include "cli/eval_commands.h"

namespace expertoire::cli {
namespace {

std::function<void()> setup(CLI::App& app) {
  add_commands(app, eval_commands());
  return [] {};  // the task's own callback does the work
}

}  // namespace

extern const Command kEvalCommand = {
    "eval", "Scores of a model on data sets, as papers report them", setup};

}  // namespace expertoire::cli
