// The quantile of the standard normal distribution.
#pragma once

namespace expertoire::train {

/// Φ⁻¹(p) for 0 < p < 1, to the last digits of a double (Newton on erfc from a starting value).
double normal_quantile(double p);

}  // namespace expertoire::train
