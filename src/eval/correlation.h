// Correlations of two lists of numbers.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace expertoire {

/// Pearson's r (scipy.stats.pearsonr). NaN when a list is constant or shorter than 2.
double pearson(std::span<const double> x, std::span<const double> y);

/// Ranks from 1; equal values share the mean of theirs (scipy.stats.rankdata, "average").
std::vector<double> ranks(std::span<const double> values);

/// Spearman's rho: Pearson's r of the ranks (scipy.stats.spearmanr).
double spearman(std::span<const double> x, std::span<const double> y);

}  // namespace expertoire
