// Progress of the library's work on the terminal.
#pragma once

#include <string>

#include "base/progress.h"
#include "cli/common.h"

namespace expertoire::cli {

/// Shows on `bar`, which outlives it, how far work is. Throws kCancelled naming `operation` once
/// the user has interrupted.
ProgressSink progress_on(ProgressBar& bar, const char* operation, std::string note = {});

}  // namespace expertoire::cli
