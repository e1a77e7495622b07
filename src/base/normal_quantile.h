// The quantile of the standard normal distribution.
#pragma once

namespace expertoire {

/// Φ⁻¹(p) to the last digits of a double (Newton on erfc from a starting value); ∓infinity at 0, 1.
double normal_quantile(double p);

}  // namespace expertoire
