// What a study of masks found, as a page for people.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "analysis/mask_effects.h"
#include "io/heat_map.h"

namespace expertoire {

/// Target × domain, in thousandths of a bit a byte or percentage points of wrong answers, of the
/// targets with a mask of this kind.
/// `most`: size of the change with the deepest colour, 0 for the largest of these.
HeatMap heat_map_of(const MaskEffects& effects, MaskKind kind, double most = 0);

/// One self-contained HTML file: means, heat maps, a table of targets, of text and of questions,
/// how far the selection repeats (agreement_json(), or null), and how it was made.
std::string mask_page(const MaskEffects& effects, const std::optional<MaskEffects>& questions,
                      const nlohmann::json& agreement, const nlohmann::json& provenance);

}  // namespace expertoire
