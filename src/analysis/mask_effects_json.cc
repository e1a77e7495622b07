#include <cmath>

#include "analysis/mask_effects.h"

namespace expertoire {
namespace {

using nlohmann::json;

json number(double value) { return std::isfinite(value) ? json(value) : json(); }

json to_json(const Interval& interval) {
  return {{"value", number(interval.value)},
          {"low", number(interval.low)},
          {"high", number(interval.high)}};
}

json to_json(const std::optional<Interval>& interval) {
  return interval ? to_json(*interval) : json();
}

json to_json(const MeasuredDomain& domain, bool questions) {
  if (!questions) {
    return {{"name", domain.name},         {"documents", domain.items},
            {"scored_bytes", domain.size}, {"claimed", domain.claimed},
            {"beside", domain.beside},     {"bits_per_byte", to_json(domain.before)}};
  }
  return {{"name", domain.name},
          {"questions", domain.items},
          {"claimed", domain.claimed},
          {"wrong", to_json(domain.before)},
          {"wrong_by_chance", number(domain.by_chance)}};
}

}  // namespace

json MaskEffects::to_json() const {
  json result = {{"domains", json::array()}, {"masks", json::array()}, {"summary", json::object()}};
  for (const MeasuredDomain& domain : domains) {
    result["domains"].push_back(expertoire::to_json(domain, questions));
  }
  for (const MaskEffect& effect : effects) {
    json change = json::object();
    for (size_t d = 0; d < domains.size(); ++d) {
      change[domains[d].name] = expertoire::to_json(effect.change[d]);
    }
    result["masks"].push_back(
        {{"target", domains[static_cast<size_t>(effect.target)].name},
         {"kind", kMaskKindNames[static_cast<size_t>(effect.kind)]},
         {"seeds", effect.seeds},
         {"experts", effect.experts},
         {"mass_share", effect.mass},
         {"target_mass_share", effect.target_mass},
         {"change", std::move(change)},
         {"others", expertoire::to_json(effect.others)},
         {"target_by_seed", {{"least", number(effect.least)}, {"most", number(effect.most)}}}});
  }
  for (const auto& [kind, summary] : summaries) {
    result["summary"][std::string(kMaskKindNames[static_cast<size_t>(kind)])] = {
        {"targets", summary.targets},
        {"target", expertoire::to_json(summary.target)},
        {"others", expertoire::to_json(summary.others)},
        {"difference", expertoire::to_json(summary.difference)},
        {"ratio", expertoire::to_json(summary.ratio)},
        {"selected_less", expertoire::to_json(summary.selected_less)},
        {"selected_over", expertoire::to_json(summary.selected_over)}};
  }
  return result;
}

}  // namespace expertoire
