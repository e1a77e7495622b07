// What a study of masks found, as tables on standard output.
#pragma once

#include "analysis/mask_effects.h"

namespace expertoire::cli {

/// A line for every target and kind of mask, and the means over targets.
void print_effects(const MaskEffects& effects);

/// Of questions: what the model answers without a mask, and the same tables.
void print_questions(const MaskEffects& effects);

}  // namespace expertoire::cli
