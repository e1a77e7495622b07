// expertoire experts: what experts know, and what follows from it
#include "cli/command.h"
#include "cli/experts_commands.h"

namespace expertoire::cli {
namespace {

std::function<void()> setup(CLI::App& app) {
  add_commands(app, experts_commands());
  return [] {};  // the command's own callback does the work
}

}  // namespace

extern const Command kExpertsCommand = {
    "experts", "What experts know: index, look, label, mask, purge", setup};

}  // namespace expertoire::cli
