#include "eval/code_problems.h"

#include <algorithm>
#include <set>

#include "eval/rows.h"
#include "io/json.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

using nlohmann::json;

// As it stands: white space at the ends is part of a program.
std::string program_text(const DataRow& row, const std::string& field) {
  const json& value = row.at(field);
  if (!value.is_string()) row.refuse("\"" + field + "\" is " + in_short(value), "text");
  return value.get<std::string>();
}

std::string name_of(const DataRow& row) {
  if (row.has("name")) return program_text(row, "name");
  std::string name = program_text(row, "task_id");
  std::ranges::replace(name, '/', '_');
  return name;
}

CodeProblem problem_of(const DataRow& row, const std::string& language) {
  CodeProblem problem;
  problem.name = name_of(row);
  const bool plain = !problem.name.empty() && problem.name.front() != '.' &&
                     problem.name.find_first_of("/\\") == std::string::npos &&
                     problem.name.size() < 200;
  if (!plain) row.refuse("the name " + in_quotes(problem.name), "one that a file can have");
  problem.language = row.has("language") ? program_text(row, "language") : language;
  if (problem.language.empty()) {
    row.refuse("no field language", "the problem's language", "name it with --language");
  }
  problem.prompt = program_text(row, "prompt");
  problem.tests = program_text(row, row.has("tests") ? "tests" : "test");
  if (!row.has("stop_tokens")) return problem;
  const json& stop = row.at("stop_tokens");
  if (!stop.is_array()) row.refuse("\"stop_tokens\" is " + in_short(stop), "a list of texts");
  for (const json& one : stop) {
    if (!one.is_string() || one.get<std::string>().empty()) {
      row.refuse("the stop token " + in_short(one), "a text");
    }
    problem.stop.push_back(one.get<std::string>());
  }
  return problem;
}

}  // namespace

std::vector<CodeProblem> read_code_problems(const std::string& path, const std::string& language) {
  std::vector<CodeProblem> problems;
  std::set<std::string> names;
  read_rows(path, {}, [&](const DataRow& row) {
    problems.push_back(problem_of(row, language));
    if (!names.insert(problems.back().name).second) {
      row.refuse("a second problem named " + problems.back().name, "a name each");
    }
  });
  return problems;
}

std::string cut_at_stop(const std::string& text, const std::vector<std::string>& stop) {
  size_t end = text.size();
  for (const std::string& one : stop) end = std::min(end, text.find(one));
  return text.substr(0, end);
}

json completed_problem(const CodeProblem& problem, const CodeSettings& settings,
                       const std::vector<std::string>& completions) {
  return {{"name", problem.name},
          {"language", problem.language},
          {"temperature", settings.temperature},
          {"top_p", settings.top_p},
          {"max_tokens", settings.max_tokens},
          {"prompt", problem.prompt},
          {"tests", problem.tests},
          {"completions", completions},
          {"stop_tokens", problem.stop}};
}

}  // namespace expertoire
