// expertoire experts stats
#include <fmt/format.h>

#include <map>

#include "analysis/load_balance.h"
#include "analysis/unit_ranking.h"
#include "cli/command.h"
#include "cli/common.h"
#include "cli/experts_text.h"
#include "cli/table.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

struct Options {
  std::string index, load = "mass";
  bool json = false;
};

constexpr std::string_view kLoadNames[] = {"mass", "count"};
enum class Load : uint8_t { kMass, kCount };

using Place = std::pair<int, UnitKind>;  // the units that are compared with each other

std::map<Place, std::vector<double>> loads_of(const ExpertIndex& index, Load load) {
  std::map<Place, std::vector<double>> loads;
  for (const UnitSummary& summary : index.summaries()) {
    const Unit unit = index.units().unit(summary.number);
    loads[{unit.layer, unit.kind}].push_back(
        load == Load::kMass ? summary.mass : static_cast<double>(summary.count));
  }
  return loads;
}

void stats(const Options& options) {
  const ExpertIndex index(options.index);
  auto loads = loads_of(index, choose_enum<Load>("--load", options.load, kLoadNames));
  json all = json::array();
  std::vector<std::vector<std::string>> rows = {
      {"layer", "kind", "units", "dead", "entropy", "gini", "jain", "top 1 %", "dropped"}};
  for (size_t i = 0; i < index.units().layers().size(); ++i) {
    const IndexedLayer& layer = index.units().layers()[i];
    const double mass = index.info().layer_mass[i], dropped = index.info().layer_dropped[i];
    for (const UnitKind kind : {UnitKind::kExpert, UnitKind::kLeft, UnitKind::kRight}) {
      const int64_t units = kind == UnitKind::kExpert ? layer.experts : layer.keys;
      if (units == 0) continue;
      const LoadBalance balance = load_balance(loads[{layer.layer, kind}], units);
      const std::string_view name = kUnitKindNames[static_cast<size_t>(kind)];
      const double lost = kind == UnitKind::kExpert && mass > 0 ? dropped / mass : 0;
      all.push_back({{"layer", layer.layer},
                     {"kind", name},
                     {"units", units},
                     {"dead", balance.dead},
                     {"entropy", balance.entropy},
                     {"gini", balance.gini},
                     {"jain", balance.jain},
                     {"top_share", balance.top_share},
                     {"dropped_share", lost}});
      rows.push_back({std::to_string(layer.layer), std::string(name), std::to_string(units),
                      std::to_string(balance.dead), fmt::format("{:.4f}", balance.entropy),
                      fmt::format("{:.4f}", balance.gini), fmt::format("{:.4f}", balance.jain),
                      percent(balance.top_share), percent(lost)});
    }
  }
  if (options.json) {
    print_json({{"index", options.index},
                {"documents", index.info().documents},
                {"tokens", index.info().tokens},
                {"load", options.load},
                {"layers", all}});
    return;
  }
  print_table(rows);
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  add_index(app, options->index);
  app.add_option("--load", options->load, "What is compared: mass (sum of scores) or count (uses)")
      ->capture_default_str();
  app.add_flag("--json", options->json, "One JSON object");
  return [options] { stats(*options); };
}

}  // namespace

extern const Command kExpertsStatsCommand = {"stats", "How evenly experts are used, layer by layer",
                                             setup};

}  // namespace expertoire::cli
