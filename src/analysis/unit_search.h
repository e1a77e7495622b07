// Units by the words in what they are used on.
#pragma once

#include <string>
#include <vector>

#include "analysis/expert_index.h"
#include "analysis/unit_ranking.h"

namespace expertoire {

/// A unit with top contexts in passages that hold the words.
struct FoundUnit {
  Unit unit;
  int found = 0;     ///< of its contexts
  int contexts = 0;  ///< that the index has of it
  Context best;      ///< the strongest that was found

  /// Share of the contexts that were found, of two more that were not: so that a unit with hardly
  /// any does not come first.
  double rank() const { return found / (contexts + 2.0); }
};

/// The first `most` by rank, equal ones by the best context's score. Looks at the `passages` best
/// passages for the words (ExpertIndex::search). Of `filter`, kinds, layer and uses
/// count. Errors: those
/// of search.
std::vector<FoundUnit> search_units(const ExpertIndex& index, const std::string& query,
                                    const UnitFilter& filter, size_t most, size_t passages);

}  // namespace expertoire
