#include "cli/mask_tables.h"

#include <fmt/format.h>

#include <cmath>

#include "cli/table.h"

namespace expertoire::cli {
namespace {

std::string shown(const Interval& interval, double scale, int decimals) {
  if (std::isnan(interval.value)) return "-";
  if (std::isnan(interval.low)) return fmt::format("{:.{}f}", scale * interval.value, decimals);
  return fmt::format("{:.{}f} [{:.{}f}, {:.{}f}]", scale * interval.value, decimals,
                     scale * interval.low, decimals, scale * interval.high, decimals);
}

}  // namespace

void print_effects(const MaskEffects& effects) {
  constexpr double kThousandths = 1000;
  std::vector<std::vector<std::string>> rows = {
      {"target", "texts", "masked", "experts", "target's change", "others' change"}};
  for (const MaskEffect& effect : effects.effects) {
    const MeasuredDomain& target = effects.domains[static_cast<size_t>(effect.target)];
    rows.push_back({target.name, std::to_string(target.documents),
                    std::string(kMaskKindNames[static_cast<size_t>(effect.kind)]),
                    fmt::format("{:.0f}", effect.experts),
                    shown(effect.change[static_cast<size_t>(effect.target)], kThousandths, 1),
                    shown(effect.others, kThousandths, 1)});
  }
  fmt::print("Changes in thousandths of a bit a byte; more is worse.\n");
  print_table(rows);
  rows = {{"masked", "targets", "target", "others", "difference", "ratio", "selected over this"}};
  for (const auto& [kind, summary] : effects.summaries) {
    rows.push_back({std::string(kMaskKindNames[static_cast<size_t>(kind)]),
                    std::to_string(summary.targets), shown(summary.target, kThousandths, 1),
                    shown(summary.others, kThousandths, 1),
                    shown(summary.difference, kThousandths, 1),
                    summary.ratio ? shown(*summary.ratio, 1, 2) : "-",
                    summary.selected_over ? shown(*summary.selected_over, 1, 2) : "-"});
  }
  fmt::print("\nMeans over targets:\n");
  print_table(rows);
}

}  // namespace expertoire::cli
