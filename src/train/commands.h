// The sub-commands of expertoire-train that need no libtorch.
#pragma once

#include "cli/command.h"

namespace expertoire::train {

extern const cli::Command kDataCommand, kDocumentsCommand, kExportCommand, kPlotCommand;

}  // namespace expertoire::train
