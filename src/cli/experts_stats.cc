// expertoire experts stats
#include <fmt/format.h>

#include "analysis/layer_balance.h"
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

void stats(const Options& options) {
  const ExpertIndex index(options.index);
  json all = json::array();
  std::vector<std::vector<std::string>> rows = {
      {"layer", "kind", "units", "dead", "entropy", "gini", "jain", "top 1 %", "dropped"}};
  for (const LayerBalance& layer :
       layer_balances(index, choose_enum<Load>("--load", options.load, kLoadNames))) {
    const LoadBalance& load = layer.load;
    const std::string_view kind = kUnitKindNames[static_cast<size_t>(layer.kind)];
    all.push_back({{"layer", layer.layer},
                   {"kind", kind},
                   {"units", load.units},
                   {"dead", load.dead},
                   {"entropy", load.entropy},
                   {"gini", load.gini},
                   {"jain", load.jain},
                   {"top_share", load.top_share},
                   {"dropped_share", layer.dropped}});
    rows.push_back({std::to_string(layer.layer), std::string(kind), std::to_string(load.units),
                    std::to_string(load.dead), fmt::format("{:.4f}", load.entropy),
                    fmt::format("{:.4f}", load.gini), fmt::format("{:.4f}", load.jain),
                    percent(load.top_share), percent(layer.dropped)});
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
