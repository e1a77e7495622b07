// The tasks of `expertoire eval`. One file per task; eval_commands.cc holds the one list of them.
#pragma once

#include "cli/command.h"

namespace expertoire::cli {

/// In the order in which `expertoire eval --help` lists them.
const std::vector<Command>& eval_commands();

}  // namespace expertoire::cli
