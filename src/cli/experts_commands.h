// The commands of `expertoire experts`. One file per command; experts_commands.cc holds the one
// list of them.
#pragma once

#include "cli/command.h"

namespace expertoire::cli {

/// In the order in which `expertoire experts --help` lists them.
const std::vector<Command>& experts_commands();

}  // namespace expertoire::cli
