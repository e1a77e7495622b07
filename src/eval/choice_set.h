// Questions with several answers, read from a file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/choice_task.h"
#include "eval/rows.h"

namespace expertoire {

/// Choice c is what follows context(c): a delimiter and a text.
struct ChoiceItem {
  std::vector<std::string> contexts;       ///< one for all choices, or one each
  std::vector<std::string> continuations;  ///< likewise, with the delimiter in front
  std::vector<int64_t> lengths;            ///< of the choices without the delimiter, in characters
  int answer = 0;
  std::string description;
  std::string category;

  size_t size() const { return lengths.size(); }
  const std::string& context(size_t c) const { return contexts[contexts.size() > 1 ? c : 0]; }
  const std::string& continuation(size_t c) const {
    return continuations[continuations.size() > 1 ? c : 0];
  }
  bool same_question(const ChoiceItem& other) const {
    return contexts == other.contexts && continuations == other.continuations;
  }
};

struct ChoiceSet {
  std::string path;
  std::vector<ChoiceItem> items;
  RowCounts counts;

  /// Errors: read_rows(); a row without the task's fields, with an answer outside its choices, or
  /// with fewer than two of them; kInvalidArgument where `rows` names a field the task has not.
  static ChoiceSet read(const std::string& path, const ChoiceTask& task, const RowOptions& rows);
};

}  // namespace expertoire
