// How evenly an index's layers are used.
#pragma once

#include <vector>

#include "analysis/expert_index.h"
#include "analysis/load_balance.h"

namespace expertoire {

/// The units of one layer and kind.
struct LayerBalance {
  int layer = 0;
  UnitKind kind = UnitKind::kExpert;
  LoadBalance load;
  double dropped = 0;  ///< share of the layer's mass that joint experts below the threshold had
};

/// What a unit's load is.
enum class Load : uint8_t { kMass, kCount };
inline constexpr std::string_view kLoadNames[] = {"mass", "count"};

/// Of every layer its experts and, of factored routing, its left and right keys.
std::vector<LayerBalance> layer_balances(const ExpertIndex& index, Load load);

}  // namespace expertoire
