// Units like a given one.
#pragma once

#include <string_view>
#include <vector>

#include "analysis/expert_index.h"
#include "analysis/expert_weights.h"
#include "analysis/unit_ranking.h"

namespace expertoire {

struct SimilarUnit {
  Unit unit;
  double similarity = 0;
};

/// The `most` units whose uses are spread over the vocabulary like those of `record`: cosine of
/// mass by token, of the mass that is sure (mass − error). Without the unit itself; equal ones by
/// unit. Of `filter`, kinds, layer and uses
/// count.
std::vector<SimilarUnit> similar_by_tokens(const ExpertIndex& index, const UnitRecord& record,
                                           const UnitFilter& filter, size_t most);

/// Likewise by top contexts: those that both have over those that one of them has.
std::vector<SimilarUnit> similar_by_contexts(const ExpertIndex& index, const UnitRecord& record,
                                             const UnitFilter& filter, size_t most);

/// Likewise by the cosine of their weights (ExpertWeights::flat), among the units of its layer and
/// kind. The order of an expert's neurons counts, though it does not change what the expert does.
std::vector<SimilarUnit> similar_by_weights(const UnitTable& units, const Unit& unit,
                                            ExpertWeights& weights, size_t most);

}  // namespace expertoire
