// Which experts a study takes away, and random experts to compare with.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "routing/edit.h"

namespace expertoire {

/// Of each layer router ids, rising; a layer that loses none may be missing.
using ExpertMask = std::map<int, std::vector<int>>;

/// Of each layer that routes, the routing mass of every expert.
using ExpertMasses = std::map<int, std::vector<double>>;

/// The edit that ablates them.
RoutingEdit ablation(const ExpertMask& mask, const EditModel& model);

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
