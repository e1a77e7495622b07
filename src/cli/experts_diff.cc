// expertoire experts diff
#include <fmt/format.h>

#include <cmath>

#include "analysis/index_diff.h"
#include "cli/command.h"
#include "cli/common.h"
#include "cli/experts_text.h"
#include "cli/table.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

struct Options {
  std::string a, b;
  int64_t least = 100;
  size_t worst = 10;
  bool json = false;
};

json number(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

json layer_json(const ComparedLayer& layer) {
  return {{"layer", layer.layer},
          {"kind", kUnitKindNames[static_cast<size_t>(layer.kind)]},
          {"units", layer.units},
          {"only_a", layer.only_a},
          {"only_b", layer.only_b},
          {"mass_spearman", number(layer.masses)},
          {"label_correlation", number(layer.labels)},
          {"label_correlation_chance", number(layer.labels_chance)},
          {"same_leading_label", number(layer.leader)},
          {"same_leading_label_chance", number(layer.leader_chance)},
          {"token_overlap", number(layer.tokens)},
          {"token_overlap_chance", number(layer.tokens_chance)}};
}

void print_diff(const IndexDiff& diff, const UnitTable& units) {
  const auto pair = [](double value, double chance) {
    return fmt::format("{:.3f} ({:.3f})", value, chance);
  };
  std::vector<std::vector<std::string>> rows = {{"layer", "kind", "units", "only A", "only B",
                                                 "mass rho", "label r (chance)",
                                                 "same label (chance)", "tokens (chance)"}};
  for (const ComparedLayer& layer : diff.layers) {
    rows.push_back(
        {std::to_string(layer.layer), std::string(kUnitKindNames[static_cast<size_t>(layer.kind)]),
         std::to_string(layer.units), std::to_string(layer.only_a), std::to_string(layer.only_b),
         fmt::format("{:.4f}", layer.masses), pair(layer.labels, layer.labels_chance),
         pair(layer.leader, layer.leader_chance), pair(layer.tokens, layer.tokens_chance)});
  }
  print_table(rows);
  if (diff.worst.empty()) return;
  rows = {{"least alike", "uses A", "uses B", "label r", "same label", "tokens"}};
  for (const ComparedUnit& unit : diff.worst) {
    rows.push_back({units.name(unit.unit), std::to_string(unit.a_count),
                    std::to_string(unit.b_count), fmt::format("{:.3f}", unit.agreement.labels),
                    unit.agreement.leader ? "yes" : "no",
                    fmt::format("{:.3f}", unit.agreement.tokens)});
  }
  fmt::print("\n");
  print_table(rows);
}

void diff(const Options& options) {
  const ExpertIndex a(options.a), b(options.b);
  const IndexDiff found = compare_indexes(a, b, options.least, options.worst);
  if (!options.json) return print_diff(found, a.units());
  json layers = json::array(), worst = json::array();
  for (const ComparedLayer& layer : found.layers) layers.push_back(layer_json(layer));
  for (const ComparedUnit& unit : found.worst) {
    worst.push_back({{"unit", a.units().name(unit.unit)},
                     {"a_count", unit.a_count},
                     {"b_count", unit.b_count},
                     {"label_correlation", number(unit.agreement.labels)},
                     {"same_leading_label", unit.agreement.leader},
                     {"token_overlap", unit.agreement.tokens}});
  }
  print_json({{"a", options.a},
              {"b", options.b},
              {"min_uses", options.least},
              {"labels", found.labels},
              {"layers", layers},
              {"least_alike", worst}});
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("a", options->a, "An index")->required();
  app.add_option("b", options->b, "One of the same model on other text")->required();
  app.add_option("--min-uses", options->least, "Only units used so often in both")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--worst", options->worst, "So many units that agree the least")
      ->capture_default_str();
  app.add_flag("--json", options->json, "One JSON object");
  return [options] { diff(*options); };
}

}  // namespace

extern const Command kExpertsDiffCommand = {
    "diff", "Do the findings on one half of a corpus repeat on the other?", setup};

}  // namespace expertoire::cli
