#include "cli/choice_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace expertoire::cli {

void ChoiceFlags::add_to(CLI::App& app) {
  std::vector<std::string> names;
  for (const ChoiceTask& task : choice_tasks()) names.push_back(task.name);
  auto* file =
      app.add_option("--choice", choice.path,
                     "Multiple-choice questions (.jsonl, also .gz) to ask before and after");
  app.add_option("--choice-task", choice.task,
                 fmt::format("How its rows become questions: {}", fmt::join(names, ", ")))
      ->needs(file)
      ->capture_default_str();
  app.add_option("--choice-shots", choice.shots, "Answered questions before each, of the same file")
      ->check(CLI::Range(0, 1000))
      ->needs(file)
      ->capture_default_str();
  app.add_option("--choice-items", choice.items,
                 "Questions of a domain, drawn at random where it has more")
      ->check(CLI::PositiveNumber)
      ->needs(file)
      ->capture_default_str();
  app.add_flag("--skip-bad-rows", choice.skip_bad,
               "Leave broken rows of --choice out, and count them")
      ->needs(file);
}

}  // namespace expertoire::cli
