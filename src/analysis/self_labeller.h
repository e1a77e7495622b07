// Labels by the model itself (arXiv 2412.04139, section 4.3): asked what a word means whose
// embedding is the mean of those of an expert's top tokens.
#pragma once

#include <vector>

#include "analysis/labeller.h"
#include "engine/session.h"
#include "tokenizer/tokenizer.h"

namespace expertoire {

struct SelfOptions {
  size_t top_tokens = 10;   ///< of the unit, whose embeddings are averaged
  int64_t max_tokens = 24;  ///< of the explanation
};

/// The paper's question with a place for an embedding.
struct SplicedPrompt {
  std::vector<int32_t> ids;
  std::vector<size_t> places;  ///< tokens that the embedding replaces
};
/// Errors: kUnsupported when the tokenizer has no letter that stays a token of its own there.
SplicedPrompt self_prompt(const Tokenizer& tokenizer);

/// Judged by how near a token's embedding is (cosine) to the mean embedding of the explanation's
/// tokens, each weighed by how rare it is in the index's documents.
class SelfLabeller final : public ScoringLabeller {
 public:
  /// The session's model needs its lm_head. Errors: those of self_prompt.
  SelfLabeller(Session& session, const Tokenizer& tokenizer, const ExpertIndex& index,
               SelfOptions options);

  /// Errors: those of generate(), kBadFile.
  void learn(std::vector<UnitEvidence> units) override;
  std::string text(size_t unit) override { return texts_.at(unit); }

 protected:
  std::vector<double> scores(size_t unit, const ContextWindow& window) const override;

 private:
  /// Errors: kBadFile for an id of the index outside the vocabulary.
  void check(int32_t id) const;
  std::vector<float> embedding(int32_t id) const;
  std::vector<float> mean_embedding(const UnitRecord& record) const;
  void count_tokens(const ExpertIndex& index);

  Session& session_;
  const Tokenizer& tokenizer_;
  std::string path_;  // of the index
  SelfOptions options_;
  SplicedPrompt prompt_;
  std::vector<double> rarity_;  // by token: log of all counted over its count
  std::vector<std::string> texts_;
  std::vector<std::vector<float>> meanings_;  // of explanations, of length 1
};

}  // namespace expertoire
