// The number of a model's parameters before it is known to be a sensible one.
#pragma once

#include "model/config.h"

namespace expertoire {

/// All parameters, or those that one token uses. In double, which no sizes that passed the reader
/// overflow; exact up to 2⁵³.
double count_parameters(const ModelConfig& config, bool active);

}  // namespace expertoire
