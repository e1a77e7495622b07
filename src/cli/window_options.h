// --context and --stride: how long texts are cut for scoring.
#pragma once

#include <CLI/CLI.hpp>

#include "eval/perplexity.h"

namespace expertoire::cli {

void add_window_options(CLI::App& app, WindowOptions& windows);

}  // namespace expertoire::cli
