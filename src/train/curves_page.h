// The curves of training runs in one picture.
#pragma once

#include <string>
#include <vector>

#include "train/run_log.h"

namespace expertoire::train {

/// One self-contained SVG: a legend, and a chart for each quantity that a run logged.
std::string curves_svg(const std::vector<RunLog>& runs);

/// The same in an HTML page with a table of where each run ended. No scripts, nothing from a
/// network; light or dark as the reader's screen.
std::string curves_html(const std::vector<RunLog>& runs);

}  // namespace expertoire::train
