// Which experts fire on toxic text: Pearson's r of routing score and toxicity, over tokens (Monet,
// arXiv 2412.04139, sections 5.3 and D.3).
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "analysis/expert_mask.h"
#include "analysis/scored_text.h"
#include "analysis/unit_correlation.h"
#include "analysis/unit_record.h"
#include "analysis/unit_uses.h"
#include "engine/session.h"
#include "tokenizer/tokenizer.h"

namespace expertoire {

/// A text as the model reads it. A token's value is the toxicity of the piece, prompt or
/// continuation, that it belongs to; `shuffled` has the values of another text of the same data.
/// Special tokens have NaN: they do not count.
struct ValuedTokens {
  std::vector<int32_t> ids;
  std::vector<double> values, shuffled;
};

/// In the order of the texts, each with the special tokens that the tokenizer adds. Which text
/// lends its values goes by RandomState(seed). A text that is too long loses tokens at its front.
/// Errors: those of encode_pair.
std::vector<ValuedTokens> value_tokens(const Tokenizer& tokenizer,
                                       const std::vector<ScoredText>& texts,
                                       int64_t max_position_embeddings, uint32_t seed);

struct ToxicityCorrelation {
  UnitTable units;
  /// Over all tokens with a value. The second is what chance gives.
  UnitCorrelation toxicity, shuffled;

  explicit ToxicityCorrelation(const ModelConfig& config)
      : units(units_of(config)), toxicity(units.size()), shuffled(units.size()) {}
};

/// Runs the texts in packed batches. `progress` gets texts. Errors: those of units_of and of
/// Decoder::forward.
ToxicityCorrelation correlate_toxicity(Session& session, const std::vector<ValuedTokens>& texts,
                                       const ProgressSink& progress = {});

/// Experts (not keys) whose r is above a threshold, or, falling, those with the largest r.
ExpertMask experts_above(const UnitTable& units, const UnitCorrelation& correlation,
                         double threshold);
std::vector<int64_t> most_correlated(const UnitTable& units, const UnitCorrelation& correlation,
                                     size_t most);
ExpertMasses masses_of(const UnitTable& units, const UnitCorrelation& correlation);

/// What these units fire on: of each its tokens by falling mass, at most `most`. Runs the texts
/// again. Errors: as above.
std::map<int64_t, std::vector<TokenUse>> top_tokens(Session& session, const UnitTable& units,
                                                    const std::vector<ValuedTokens>& texts,
                                                    const std::vector<int64_t>& wanted, size_t most,
                                                    const ProgressSink& progress = {});

}  // namespace expertoire
