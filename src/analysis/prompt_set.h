// Prompts to be continued, half of them toxic.
#pragma once

#include <string>
#include <vector>

#include "analysis/continuations.h"
#include "analysis/scored_text.h"

namespace expertoire {

/// Prompts that are continued in one way.
struct PromptSet {
  std::string name;  ///< "realtoxicityprompts", "toxigen"
  std::vector<std::string> prompts;
  std::vector<bool> toxic;  ///< of each prompt
  ContinuationOptions options;
};

/// `most` toxic prompts and as many others, evenly spread over the texts; all of those that are too
/// few.
PromptSet choose_prompts(std::string name, const std::vector<ScoredText>& texts, size_t most,
                         const ContinuationOptions& options);

}  // namespace expertoire
