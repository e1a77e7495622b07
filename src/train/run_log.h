// The JSONL log of a training run.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace expertoire::train {

/// One line: where the run was, and what it measured there. A list of numbers (one a routing layer)
/// counts as its mean; what is null or no number is left out.
struct LogRecord {
  double step = 0;
  double tokens = 0;
  double seconds = 0;  ///< of a held-out record: those of the step before it
  std::map<std::string, double> values;

  std::optional<double> value(const std::string& name) const;
};

struct RunLog {
  std::string name;  ///< the configuration's "name", else the file's or its folder's
  nlohmann::json config;
  std::vector<LogRecord> steps;
  std::vector<LogRecord> held_out;

  /// A number of the configuration: the first of `keys` that is found at any depth.
  std::optional<double> setting(const std::vector<std::string>& keys) const;
};

/// Reads a log whose first line is {"run": {configuration}}. Records with "held_out_loss" are of
/// held-out text, those with "loss" or "lm" of training; others say what happened and are not kept.
/// A last line that was cut off is left out. A run that was resumed goes back: a record replaces
/// those of its step and later ones. Errors: kNotFound, kIo, kBadFile naming the line.
RunLog read_run_log(const std::string& path);

}  // namespace expertoire::train
