// acc and acc_norm, as lm-evaluation-harness has them, with chance beside them.
#pragma once

#include <vector>

#include "eval/choice_set.h"
#include "eval/result.h"

namespace expertoire {

/// What a model made of an item.
struct ChoiceOutcome {
  std::vector<double> log_probs;  ///< of each choice, in nats
  int shots = 0;
  bool cut = false;
};

/// Whether the choice of the largest log probability, or of the largest a character of the choice
/// (`norm`), is right; the first of equals counts.
bool is_right(const ChoiceItem& item, const ChoiceOutcome& outcome, bool norm);

/// Of all items, with details of what was left out of `shots` and "categories": [{category, n,
/// acc …}].
EvalResult choice_result(const ChoiceTask& task, const ChoiceSet& set,
                         const std::vector<ChoiceOutcome>& outcomes, int shots,
                         const BootstrapOptions& options);

/// One result a category, for a table; none where the task has no categories.
std::vector<EvalResult> category_results(const ChoiceTask& task, const ChoiceSet& set,
                                         const std::vector<ChoiceOutcome>& outcomes,
                                         const BootstrapOptions& options);

}  // namespace expertoire
