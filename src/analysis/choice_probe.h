// Multiple-choice questions that are asked again under every edit of a study.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "eval/choice_prompts.h"

namespace expertoire {

struct ChoiceProbeOptions {
  std::string path;
  std::string task = "mmlu_pro";  ///< of choice_tasks()
  int shots = 0;                  ///< answered questions before each, of the same file
  size_t items = 200;             ///< of a group at most, drawn at random
  uint32_t seed = 42;
  bool skip_bad = false;  ///< broken rows are counted, not refused
};

class ChoiceProbe {
 public:
  /// The group of a question's category (empty where the task has none), counted from 0; negative:
  /// the question is left out.
  using GroupOf = std::function<int(const std::string& category)>;

  /// Errors: those of choice_task, ChoiceSet::read and encode_pair; kInvalidArgument where every
  /// question is left out, naming a category.
  ChoiceProbe(ChoiceProbeOptions options, const GroupOf& group_of, Tokenizer tokenizer,
              int64_t max_length);
  ChoiceProbe(const ChoiceProbe&) = delete;
  ChoiceProbe& operator=(const ChoiceProbe&) = delete;

  /// By group, then in the file's order.
  size_t size() const { return chosen_.size(); }
  int group(size_t question) const { return chosen_[question].group; }
  /// What a guess gets right.
  double chance(size_t question) const;
  /// For each of the questions [first, end) 1 where the answer that the model finds likeliest,
  /// under the session's edit, is another than the right one, else 0 (by the task's main score).
  std::vector<double> wrong(Session& session, size_t first, size_t end) const;
  /// file, task, shots, questions, left_out, bad_rows: what a report says.
  nlohmann::json about() const;

 private:
  struct Chosen {
    int group = 0;
    size_t item = 0;  // of set_
  };
  const ChoiceItem& item(size_t question) const { return set_.items[chosen_[question].item]; }
  void choose(const GroupOf& group_of);

  ChoiceProbeOptions options_;
  const ChoiceTask& task_;
  Tokenizer tokenizer_;
  ChoiceSet set_;
  ChoicePrompts prompts_;
  std::vector<Chosen> chosen_;
  int64_t left_out_ = 0;  // questions of no group
};

}  // namespace expertoire
