#include "cli/command.h"

namespace expertoire::cli {

// Each is defined in the file of its name.

const std::vector<Command>& commands() {
  static const std::vector<Command> list = {};
  return list;
}

}  // namespace expertoire::cli
