// The effect of units on the logits, from a model folder.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "analysis/expert_index.h"
#include "analysis/expert_weights.h"
#include "analysis/logit_effect.h"

namespace expertoire {

class UnitEffects {
 public:
  /// `most`: tokens at both ends. Errors: those of Checkpoint, parse_config, Tokenizer and
  /// check_same_weights.
  UnitEffects(const ExpertIndex& index, const std::string& folder, size_t most);

  /// What each unit adds to the logits by what it has of its own (ExpertWeights::own_output). Many
  /// at once cost one pass over the unembedding.
  std::vector<LogitEffect> of(std::span<const Unit> units);

 private:
  Checkpoint checkpoint_;
  ModelConfig config_;
  Tokenizer tokenizer_;
  ExpertWeights weights_;
  LogitLens lens_;
  size_t most_;
};

}  // namespace expertoire
