#include "eval/choice_prompts.h"

#include <fmt/format.h>

#include "base/error.h"
#include "eval/bootstrap.h"
#include "eval/random_state.h"

namespace expertoire {

ChoicePrompts::ChoicePrompts(const ChoiceTask& task, const ChoiceSet& set, const ChoiceSet* shots,
                             const Tokenizer& tokenizer, const PairOptions& pairs,
                             const ShotOptions& options)
    : task_(task),
      set_(set),
      pool_(shots != nullptr ? *shots : set),
      tokenizer_(tokenizer),
      pairs_(pairs),
      options_(options),
      order_(each_item(pool_.items.size())) {
  if (shots == nullptr) RandomState(options.seed).shuffle(std::span(order_));
}

ChoicePrompt ChoicePrompts::prompt(size_t index) const {
  const ChoiceItem& item = set_.items[index];
  std::vector<std::string> shots = shots_for(item);
  for (;; shots.pop_back()) {
    ChoicePrompt prompt = with_shots(item, shots);
    if (!prompt.cut || !options_.drop || shots.empty()) return prompt;
  }
}

// ContextSampler.get_context: context, delimiter and right answer, with an empty line after.
std::vector<std::string> ChoicePrompts::shots_for(const ChoiceItem& item) const {
  std::vector<std::string> shots;
  const auto wanted = static_cast<size_t>(options_.count);
  for (size_t i = 0; i < order_.size() && shots.size() < wanted; ++i) {
    const ChoiceItem& shot = pool_.items[order_[i]];
    if (task_.category_shots && shot.category != item.category) continue;
    if (pool_.path == set_.path && shot.same_question(item)) continue;
    const auto answer = static_cast<size_t>(shot.answer);
    shots.push_back(shot.context(answer) + shot.continuation(answer) + "\n\n");
  }
  if (shots.size() == wanted) return shots;
  throw Error(ErrorCode::kInvalidArgument,
              {"taking shots from " + pool_.path,
               fmt::format("{}{}", shots.size(),
                           task_.category_shots ? " of " + item.category : std::string()),
               fmt::format("{}, none of them the question itself", wanted),
               "ask for fewer --shots, or name a file with more by --shots-from"});
}

ChoicePrompt ChoicePrompts::with_shots(const ChoiceItem& item,
                                       const std::vector<std::string>& shots) const {
  std::string front = item.description;
  for (const std::string& shot : shots) front += shot;
  PairEncoder encoder(tokenizer_, pairs_);
  ChoicePrompt prompt;
  prompt.shots = static_cast<int>(shots.size());
  for (size_t c = 0; c < item.size(); ++c) {
    prompt.contexts.push_back(front + item.context(c));
    prompt.continuations.push_back(item.continuation(c));
    EncodedPair pair = encoder.encode(prompt.contexts.back(), prompt.continuations.back());
    prompt.cut = prompt.cut || pair.cut > 0;
    prompt.requests.push_back(std::move(pair.request));
  }
  return prompt;
}

}  // namespace expertoire
