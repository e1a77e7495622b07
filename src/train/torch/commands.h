// The sub-commands of expertoire-train that need libtorch, each defined in the file of its name.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "cli/command.h"

namespace expertoire::train {

extern const cli::Command kReplayCommand, kRunCommand, kTrainingBenchCommand;

}  // namespace expertoire::train
