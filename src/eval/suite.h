// A named list of data sets and how each is scored.
#pragma once

#include <string>
#include <vector>

namespace expertoire {

/// One task of `expertoire eval` on some files.
struct SuiteRun {
  std::string task;
  std::vector<std::string> data;     ///< relative to the folder with the data
  std::vector<std::string> options;  ///< as on the command line; "{data}/x" names a file there
};

struct Suite {
  std::string name;
  std::string about;  ///< one sentence
  std::vector<SuiteRun> runs;
};

/// A file {"format": "expertoire.eval_suite", "version": 1, "name", "about", "runs": [{"task",
/// "data", "options"}]}. `tasks`: the names that a run may have. Errors: kNotFound, kIo, kBadFile
/// (another format, a key or a task that is not known, no runs, no data).
Suite read_suite(const std::string& path, const std::vector<std::string>& tasks);

}  // namespace expertoire
