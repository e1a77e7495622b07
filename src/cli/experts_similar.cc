// expertoire experts similar
#include <fmt/format.h>

#include "analysis/unit_similarity.h"
#include "cli/command.h"
#include "cli/common.h"
#include "cli/experts_text.h"
#include "cli/table.h"
#include "io/json.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

enum class Measure : uint8_t { kTokens, kContexts, kWeights };
constexpr std::string_view kMeasureNames[] = {"tokens", "contexts", "weights"};

struct Options {
  ModelOptions model{kExpertsModel};
  UnitFlags units;
  std::string unit, index, by = "tokens";
  size_t limit = 10;
  bool json = false;
};

std::vector<SimilarUnit> by_weights(const Options& options, const ExpertIndex& index,
                                    const Unit& unit) {
  const std::string folder = options.model.folder();
  const Checkpoint checkpoint = Checkpoint::open(folder);
  check_same_weights(index, checkpoint);
  const ModelConfig config =
      parse_config(read_json_file(folder + "/config.json"), folder + "/config.json");
  ExpertWeights weights(checkpoint, config);
  return similar_by_weights(index.units(), unit, weights, options.limit);
}

std::vector<SimilarUnit> similar_units(const Options& options, const ExpertIndex& index) {
  const auto measure = choose_enum<Measure>("--by", options.by, kMeasureNames);
  const Unit unit = index.units().parse(options.unit);
  if (measure == Measure::kWeights) return by_weights(options, index, unit);
  const std::optional<UnitRecord> record = index.find(unit);
  if (!record) refuse_unused(options.unit);
  UnitFilter filter = options.units.filter();
  if (filter.kinds.empty()) filter.kinds = {unit.kind};
  return measure == Measure::kTokens ? similar_by_tokens(index, *record, filter, options.limit)
                                     : similar_by_contexts(index, *record, filter, options.limit);
}

void similar(const Options& options) {
  const ExpertIndex index(options.index);
  const std::vector<SimilarUnit> found = similar_units(options, index);
  std::vector<UnitRecord> records;
  for (const SimilarUnit& unit : found) {
    UnitRecord unused;
    unused.unit = unit.unit;
    records.push_back(index.find(unit.unit).value_or(unused));
  }
  ViewOptions few;
  few.tokens = 6, few.contexts = 0, few.partners = 0;
  UnitViewer viewer(index, few);
  viewer.read_texts(records);
  json rows = json::array();
  std::vector<std::vector<std::string>> table = {{"unit", "similarity", "uses", "label", "tokens"}};
  for (size_t i = 0; i < found.size(); ++i) {
    const UnitView view = viewer.view(records[i]);
    rows.push_back(
        {{"unit", view.name}, {"similarity", found[i].similarity}, {"count", records[i].count}});
    std::string tokens;
    for (const NamedToken& token : view.tokens) tokens += in_quotation(token.text) + " ";
    table.push_back({view.name, fmt::format("{:.4f}", found[i].similarity),
                     std::to_string(records[i].count), leading_label(view.rates, index.info()),
                     tokens});
  }
  if (options.json) {
    print_json({{"unit", options.unit}, {"by", options.by}, {"similar", rows}});
    return;
  }
  print_table(table);
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("unit", options->unit, "As of `experts show`")->required();
  add_index(app, options->index);
  app.add_option("--by", options->by,
                 "tokens (cosine of mass by token), contexts (shared top contexts), or weights "
                 "(cosine of the weights, within the layer)")
      ->capture_default_str();
  options->units.add_to(app, 10);
  app.add_option("--model", options->model.model,
                 fmt::format("With --by weights: the model of the index (default: {})",
                             options->model.default_model));
  app.add_option("--limit", options->limit, "So many, at most")->capture_default_str();
  app.add_flag("--json", options->json, "One JSON object");
  return [options] { similar(*options); };
}

}  // namespace

extern const Command kExpertsSimilarCommand = {"similar", "Experts like one", setup};

}  // namespace expertoire::cli
