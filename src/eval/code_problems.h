// Programming problems, and a model's answers in the form that MultiPL-E runs.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace expertoire {

/// A row of MultiPL-E's data (nuprl/MultiPL-E; also HumanEval's own rows).
struct CodeProblem {
  std::string name;      ///< also the name of its file
  std::string language;  ///< MultiPL-E's: "py", "lua", …
  std::string prompt, tests;
  std::vector<std::string> stop;  ///< texts before which a completion ends
};

/// Fields name (or task_id, "/" becoming "_"), language, prompt, tests (or test), stop_tokens (none
/// where it is missing). `language` is that of rows without one. Errors: those of read_rows;
/// kBadFile for a row without a language, a name that is no file name, or two of one name.
std::vector<CodeProblem> read_code_problems(const std::string& path, const std::string& language);

/// `text` up to the first of the stop texts.
std::string cut_at_stop(const std::string& text, const std::vector<std::string>& stop);

struct CodeSettings {
  double temperature = 0.8, top_p = 0.95;
  int64_t max_tokens = 512;
};

/// What MultiPL-E's evaluation reads as NAME.json.gz (multipl_e/completions.py): name, language,
/// temperature, top_p, max_tokens, prompt, tests, completions, stop_tokens.
nlohmann::json completed_problem(const CodeProblem& problem, const CodeSettings& settings,
                                 const std::vector<std::string>& completions);

}  // namespace expertoire
