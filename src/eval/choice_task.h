// The multiple-choice tasks: the one table of their prompts.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace expertoire {

/// How a row becomes a question, as lm-evaluation-harness's task of that name has it in its YAML
/// (doc_to_text, doc_to_choice, doc_to_target): Jinja templates over the row's fields.
struct ChoiceTask {
  std::string name;
  std::string fields;   ///< that a row must have, with spaces between; a|b: one of the two
  std::string text;     ///< the context
  std::string choices;  ///< a JSON list of texts
  std::string answer;   ///< the index of the right choice, from 0
  /// Partial scoring: with it the choices are contexts, and this is what follows each.
  std::string target = {};
  std::string description = {};  ///< before the first shot
  std::string delimiter = " ";   ///< between a context and what follows
  std::string category = {};     ///< field that groups rows; also the scores are given by it
  bool category_shots = false;   ///< shots are of the row's own category
  bool norm = true;              ///< acc_norm is reported
  std::string main = "acc";      ///< the score that the field reports
  nlohmann::json (*prepare)(const nlohmann::json& row) = nullptr;  ///< process_docs
};

/// The task for rows of one's own making: their fields may have any names (RowOptions::names).
inline constexpr const char* kOwnTask = "generic";

/// Every name in ChoiceTask::fields.
std::vector<std::string> field_names(const ChoiceTask& task);

const std::vector<ChoiceTask>& choice_tasks();
/// Errors: kInvalidArgument with the list of names.
const ChoiceTask& choice_task(const std::string& name);
}  // namespace expertoire
