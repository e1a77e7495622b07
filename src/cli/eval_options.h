// The options and the output that all tasks of `expertoire eval` share.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/common.h"
#include "eval/result.h"
#include "eval/rows.h"

namespace expertoire::cli {

/// --data, a --<field>-field for each field of the task, --skip-bad-rows, --resamples, --json,
/// --report, --results, --items.
struct EvalDataOptions {
  std::vector<std::string> files;
  std::map<std::string, std::string> names;  ///< field → name; "" = the built-in ones
  bool skip_bad_rows = false;
  int resamples = 1000;  ///< of the bootstrap behind intervals; 0 = no intervals
  bool json = false;
  bool items = false;   ///< keep EvalResult::items
  std::string report;   ///< an .html file; "" = none
  std::string results;  ///< a .jsonl file; "" = none

  void add_to(CLI::App& app, const std::vector<std::string>& fields);
  /// How to read the files; rows whose field `label` is null are left out.
  RowOptions rows(const std::string& label = "") const;
  BootstrapOptions bootstrap() const { return {.resamples = resamples}; }
  /// "data" (each file with its hash), "version", "command" and "time". For the start of the work:
  /// Errors: as check_writable of the report and the results.
  nlohmann::json provenance() const;
  /// Writes --results.
  void save(const std::vector<EvalResult>& all) const;
  /// print_results(), the report and the results.
  /// `before`: rows that the table for people has in front of them.
  void publish(const std::vector<EvalResult>& all,
               const std::vector<EvalResult>& before = {}) const;
};

/// One JSON object a line.
std::string json_lines(const std::vector<EvalResult>& results);

/// On standard output: json_lines(), or a table with a line for each.
void print_results(const std::vector<EvalResult>& results, bool json);

}  // namespace expertoire::cli
