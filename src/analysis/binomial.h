// What a count of successes says: exact binomial tests and intervals, and many of them at once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace expertoire {

/// P(X ≥ successes) for X of `trials` draws that succeed with probability `p`; 1 for 0 successes.
double binomial_upper_tail(int64_t successes, int64_t trials, double p);

struct Bounds {
  double low = 0, high = 1;
};

/// The exact interval of a share (Clopper and Pearson, Biometrika 1934): [0, 1] for no trials.
Bounds clopper_pearson(int64_t successes, int64_t trials, double level = 0.95);

/// p-values adjusted so that refusing all those ≤ α keeps the share of false findings at α
/// (Benjamini and Hochberg, J. R. Stat. Soc. B 1995), in the order of `p`.
std::vector<double> benjamini_hochberg(std::span<const double> p);

}  // namespace expertoire
