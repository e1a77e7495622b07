#include "cli/mask_tables.h"

#include <fmt/format.h>

#include <algorithm>
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

void print_means(const MaskEffects& effects, double scale) {
  if (effects.summaries.empty()) return;  // no target may be judged
  std::vector<std::vector<std::string>> rows = {
      {"masked", "targets", "target", "others", "difference", "ratio", "selected over this"}};
  for (const auto& [kind, summary] : effects.summaries) {
    rows.push_back({std::string(kMaskKindNames[static_cast<size_t>(kind)]),
                    std::to_string(summary.targets), shown(summary.target, scale, 1),
                    shown(summary.others, scale, 1), shown(summary.difference, scale, 1),
                    summary.ratio ? shown(*summary.ratio, 1, 2) : "-",
                    summary.selected_over ? shown(*summary.selected_over, 1, 2) : "-"});
  }
  fmt::print("\nMeans over targets:\n");
  print_table(rows);
}

// Every mask's change of the texts that belong to no domain.
void print_beside(const MaskEffects& effects, double scale) {
  std::vector<std::vector<std::string>> rows = {{"target", "masked"}};
  for (const MeasuredDomain& domain : effects.domains) {
    if (domain.beside) rows[0].push_back(domain.name);
  }
  if (rows[0].size() == 2) return;
  for (const MaskEffect& effect : effects.effects) {
    rows.push_back({effects.domains[static_cast<size_t>(effect.target)].name,
                    std::string(kMaskKindNames[static_cast<size_t>(effect.kind)])});
    for (size_t d = 0; d < effects.domains.size(); ++d) {
      if (effects.domains[d].beside) rows.back().push_back(shown(effect.change[d], scale, 1));
    }
  }
  fmt::print("\nBeside the domains:\n");
  print_table(rows);
}

}  // namespace

void print_effects(const MaskEffects& effects) {
  const double scale = effects.questions ? 100 : 1000;
  std::vector<std::vector<std::string>> rows = {
      {"target", effects.questions ? "questions" : "texts", "masked", "experts", "target's change",
       "others' change"}};
  for (const MaskEffect& effect : effects.effects) {
    const MeasuredDomain& target = effects.domains[static_cast<size_t>(effect.target)];
    rows.push_back({target.name, std::to_string(target.items),
                    std::string(kMaskKindNames[static_cast<size_t>(effect.kind)]),
                    fmt::format("{:.0f}", effect.experts),
                    shown(effect.change[static_cast<size_t>(effect.target)], scale, 1),
                    shown(effect.others, scale, 1)});
  }
  fmt::print("Changes in {}; more is worse.\n", effects.questions
                                                    ? "percentage points of wrong answers"
                                                    : "thousandths of a bit a byte");
  print_table(rows);
  print_means(effects, scale);
  if (!effects.questions) print_beside(effects, scale);
}

void print_questions(const MaskEffects& effects) {
  std::vector<std::vector<std::string>> rows = {
      {"domain", "questions", "wrong, %", "by chance, %", "above chance"}};
  for (const MeasuredDomain& domain : effects.domains) {
    if (domain.items == 0) continue;
    rows.push_back({domain.name, std::to_string(domain.items), shown(domain.before, 100, 1),
                    fmt::format("{:.1f}", 100 * domain.by_chance), domain.claimed ? "yes" : "no"});
  }
  fmt::print("\nQuestions, without a mask:\n");
  print_table(rows);
  if (std::ranges::none_of(effects.domains, &MeasuredDomain::claimed)) {
    fmt::print("No domain is answered above chance: masks say nothing here and were not asked.\n");
    return;
  }
  print_effects(effects);
}

}  // namespace expertoire::cli
