// Which experts a smaller model keeps.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "analysis/expert_use.h"
#include "model/config.h"

namespace expertoire {

/// Experts by how often they are chosen, by REAP's saliency, or in a random order (the control).
enum class PruneRule : uint8_t { kFrequency, kReap, kRandom };
inline constexpr std::string_view kPruneRuleNames[] = {"frequency", "reap", "random"};

/// Of each layer its experts, the first to be kept first; equal ones by number.
using ExpertRanking = std::map<int, std::vector<int>>;
ExpertRanking rank_experts(const std::map<int, std::vector<ExpertUse>>& uses, PruneRule rule,
                           uint32_t seed);

/// Experts that a layer keeps of `experts`: the nearest whole number, at least top_k.
int kept_experts(const ModelConfig& config, double share);

/// Reroutes all but the first `kept` of every layer, with probabilities over those that are left:
/// what `edit apply` makes a smaller checkpoint of.
RoutingEdit keep_first(const ExpertRanking& ranking, int kept, const ModelConfig& config);

}  // namespace expertoire
