#include "analysis/prompt_set.h"

#include <algorithm>

namespace expertoire {

PromptSet choose_prompts(std::string name, const std::vector<ScoredText>& texts, size_t most,
                         const ContinuationOptions& options) {
  PromptSet set{std::move(name), {}, {}, options};
  for (const bool toxic : {true, false}) {
    std::vector<const ScoredText*> group;
    for (const ScoredText& text : texts) {
      if ((text.prompt_toxicity >= kToxic) == toxic) group.push_back(&text);
    }
    const size_t count = std::min(most, group.size());
    for (size_t i = 0; i < count; ++i) {
      set.prompts.push_back(group[i * group.size() / count]->prompt);
      set.toxic.push_back(toxic);
    }
  }
  return set;
}

}  // namespace expertoire
