#include "cli/experts_commands.h"

namespace expertoire::cli {

// Each is defined in the file of its name.
extern const Command kExpertsIndexCommand, kExpertsLabelCommand;

const std::vector<Command>& experts_commands() {
  static const std::vector<Command> list = {kExpertsIndexCommand, kExpertsLabelCommand};
  return list;
}

}  // namespace expertoire::cli
