// Options that name multiple-choice questions to ask before and after edits.
#pragma once

#include <CLI/CLI.hpp>

#include "analysis/choice_probe.h"

namespace expertoire::cli {

/// --choice, --choice-task, --choice-shots, --choice-items.
struct ChoiceFlags {
  ChoiceProbeOptions choice;

  void add_to(CLI::App& app);
  bool given() const { return !choice.path.empty(); }
};

}  // namespace expertoire::cli
