// How evenly the units of a layer are used.
#pragma once

#include <cstdint>
#include <vector>

namespace expertoire {

/// Of n units with loads x (masses or counts) and shares p = x / Σ x.
struct LoadBalance {
  int64_t units = 0;
  int64_t dead = 0;    ///< never used
  double entropy = 0;  ///< −Σ p ln p / ln n: 1 when even, 0 when one unit has all
  double gini = 0;     ///< Σ_ij |x_i − x_j| / (2 n Σ x): 0 when even
  double jain = 0;  ///< (Σ x)² / (n Σ x²): 1 when even, 1/n when one unit has all (Jain, 1984)
  double top_share = 0;  ///< of all load, that of the highest hundredth of the units, at least one
};

/// `loads`: of the units that were used, none negative; the rest of the `units` have none. All
/// figures are 0 when nothing was used.
LoadBalance load_balance(std::vector<double> loads, int64_t units);

}  // namespace expertoire
