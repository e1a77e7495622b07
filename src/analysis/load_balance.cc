#include "analysis/load_balance.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace expertoire {

LoadBalance load_balance(std::vector<double> loads, int64_t units) {
  std::erase(loads, 0.0);
  std::ranges::sort(loads, std::greater());
  LoadBalance balance{.units = units, .dead = units - static_cast<int64_t>(loads.size())};
  double sum = 0, squares = 0, ranked = 0, top = 0;
  const double n = static_cast<double>(units);
  const int64_t highest = std::max<int64_t>(1, units / 100);
  for (size_t i = 0; i < loads.size(); ++i) {
    sum += loads[i];
    squares += loads[i] * loads[i];
    ranked += (n + 1 - 2 * static_cast<double>(i + 1)) * loads[i];  // by falling load
    if (static_cast<int64_t>(i) < highest) top += loads[i];
  }
  if (sum == 0) return balance;
  double entropy = 0;
  for (const double load : loads) entropy -= load / sum * std::log(load / sum);
  balance.entropy = units > 1 ? entropy / std::log(n) : 1;
  balance.gini = ranked / (n * sum);
  balance.jain = sum * sum / (n * squares);
  balance.top_share = top / sum;
  return balance;
}

}  // namespace expertoire
