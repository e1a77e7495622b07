#include "analysis/controlled_change.h"

#include <algorithm>

namespace expertoire {

ControlledChange controlled_change(size_t items, const SystemStatistic& statistic,
                                   const std::map<std::string, std::vector<size_t>>& controls,
                                   const BootstrapOptions& options) {
  using Items = std::span<const uint32_t>;
  const std::vector<uint32_t> all = each_item(items);
  ControlledChange result;
  result.before = statistic(0, all);
  result.after = statistic(1, all);
  result.change = bootstrap(
      items, [&](Items drawn) { return statistic(1, drawn) - statistic(0, drawn); }, options);
  for (const auto& control : controls) {
    const std::vector<size_t>& seeds = control.second;
    const auto mean = [&](Items drawn) {
      double sum = 0;
      for (const size_t system : seeds) sum += statistic(system, drawn);
      return sum / static_cast<double>(seeds.size());
    };
    ControlledChange::Control& of_kind = result.controls[control.first];
    of_kind.change = bootstrap(
        items, [&](Items drawn) { return mean(drawn) - statistic(0, drawn); }, options);
    of_kind.beyond = bootstrap(
        items, [&](Items drawn) { return statistic(1, drawn) - mean(drawn); }, options);
    std::vector<double> single;
    for (const size_t system : seeds) single.push_back(statistic(system, all) - result.before);
    const auto [least, most] = std::ranges::minmax_element(single);
    of_kind.least = *least;
    of_kind.most = *most;
  }
  return result;
}

}  // namespace expertoire
