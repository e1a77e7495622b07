// What a study of masks found, as tables on standard output.
#pragma once

#include "analysis/mask_effects.h"

namespace expertoire::cli {

/// A line for every target and kind of mask, and the means over targets.
void print_effects(const MaskEffects& effects);

}  // namespace expertoire::cli
