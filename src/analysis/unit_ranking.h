// The units of an index in some order.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "analysis/expert_index.h"

namespace expertoire {

/// By falling uses, mass, highest score, or how much more one label uses it than any other
/// (label_skew, infinite ones by mass).
enum class UnitOrder : uint8_t { kCount, kMass, kMax, kSkew };
inline constexpr std::string_view kUnitOrderNames[] = {"count", "mass", "max", "skew"};
inline constexpr std::string_view kUnitKindNames[] = {"expert", "left", "right"};

struct UnitFilter {
  std::vector<UnitKind> kinds;  ///< empty: all
  std::optional<int> layer;
  int64_t least_uses = 0;
  std::optional<int> label;     ///< that uses it at the highest rate
  int64_t least_documents = 0;  ///< of the label with the highest rate, that hold the unit
};

/// Are kind and layer among those that are asked for?
bool passes(const UnitFilter& filter, const Unit& unit);

/// The first `most` by that order, equal ones by number. Errors: kInvalidArgument for a layer that
/// does not route.
std::vector<UnitRecord> ranked_units(const ExpertIndex& index, UnitOrder order,
                                     const UnitFilter& filter, size_t most);

/// The label of that name. Errors: kInvalidArgument naming those that there are.
int label_number(const IndexInfo& info, const std::string& name);

}  // namespace expertoire
