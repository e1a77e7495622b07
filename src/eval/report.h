// Results of evaluations as a page for people.
#pragma once

#include <string>
#include <vector>

#include "eval/pictures.h"
#include "eval/result.h"

namespace expertoire {

/// One self-contained HTML file: for each task a picture of the main score with its intervals and a
/// table that sorts by a click on a heading, then how it was made: commands, models, data,
/// versions. `picture`: one of all results, in front.
std::string report_page(const std::vector<EvalResult>& results, const Picture* picture = nullptr);

}  // namespace expertoire
