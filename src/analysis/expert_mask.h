// Which experts a study takes away, and random experts to compare with.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "model/config.h"
#include "routing/edit.h"

namespace expertoire {

/// Of each layer that routes router ids, rising; a layer that loses none may be missing.
using ExpertMask = std::map<int, std::vector<int>>;

/// Of each layer that routes, the routing mass of every expert.
using ExpertMasses = std::map<int, std::vector<double>>;

/// The decoder layers that a router serves: its own, and those up to the next router.
std::vector<int> layers_of_router(const ModelConfig& config, int layer);

/// The edit that ablates a mask's experts in every decoder layer that their router serves.
RoutingEdit edit_of(const ExpertMask& mask, const ModelConfig& config);

int64_t size_of(const ExpertMask& mask);
/// Share of all layers' mass that the mask takes.
double mass_share(const ExpertMask& mask, const ExpertMasses& masses);

/// In each layer as many experts, drawn from those that have mass and are not in the mask, then, if
/// these are too few, from those without mass. The same seed draws the same.
ExpertMask random_of_same_number(const ExpertMask& mask, const ExpertMasses& masses, uint32_t seed);

/// In each layer experts that are not in the mask, drawn one after the other and taken as long as
/// they fit, until at most 1 % of the mask's mass there is missing (or none is left).
ExpertMask random_of_same_mass(const ExpertMask& mask, const ExpertMasses& masses, uint32_t seed);

}  // namespace expertoire
