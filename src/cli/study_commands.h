// The studies of `expertoire eval study`. One file each; eval_study.cc holds the one list of them.
#pragma once

#include "cli/command.h"

namespace expertoire::cli {

// Each is defined in the file of its name.
extern const Command kStudyComplementarityCommand, kStudyPromptsCommand, kStudyAblationCommand,
    kStudyErrorsCommand;

}  // namespace expertoire::cli
