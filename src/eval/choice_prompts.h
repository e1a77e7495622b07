// Questions as prompts: with shots before them, as tokens, within the model's context.
#pragma once

#include <string>
#include <vector>

#include "eval/choice_set.h"
#include "eval/encode_pair.h"

namespace expertoire {

struct ShotOptions {
  int count = 0;
  bool drop = false;  ///< leaves whole shots out where a prompt is too long, the last ones first
  uint32_t seed = 42;
};

struct ChoicePrompt {
  std::vector<std::string> contexts;       ///< of each choice, shots included
  std::vector<std::string> continuations;  ///< of each choice
  std::vector<ScoreRequest> requests;      ///< of each choice
  int shots = 0;
  bool cut = false;  ///< lost tokens at its front
};

class ChoicePrompts {
 public:
  /// Shots are the first of `shots` in its order (in the item's category, where the task wants
  /// that); without it, of the set itself in an order that the seed draws. Of the same
  /// file, a question that equals the item is never its shot. All arguments outlive the object.
  ChoicePrompts(const ChoiceTask& task, const ChoiceSet& set, const ChoiceSet* shots,
                const Tokenizer& tokenizer, const PairOptions& pairs, const ShotOptions& options);

  /// Errors: encode_pair()'s; kInvalidArgument where there are fewer shots than asked for.
  ChoicePrompt prompt(size_t item) const;

 private:
  std::vector<std::string> shots_for(const ChoiceItem& item) const;
  ChoicePrompt with_shots(const ChoiceItem& item, const std::vector<std::string>& shots) const;

  const ChoiceTask& task_;
  const ChoiceSet& set_;
  const ChoiceSet& pool_;
  const Tokenizer& tokenizer_;
  PairOptions pairs_;
  ShotOptions options_;
  std::vector<uint32_t> order_;  // of the pool
};

}  // namespace expertoire
