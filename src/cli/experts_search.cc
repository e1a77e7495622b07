// expertoire experts search
#include <fmt/format.h>

#include "analysis/unit_search.h"
#include "cli/command.h"
#include "cli/common.h"
#include "cli/experts_text.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

struct Options {
  UnitFlags units;
  std::string query, index;
  size_t limit = 20, passages = 2000;
  bool json = false;
};

void print_labels(const std::vector<UnitLabel>& labels, const UnitTable& units) {
  for (const UnitLabel& label : labels) {
    fmt::print("{} said to do: {} ({}{}{})\n", units.name(units.unit(label.unit)),
               on_terminal(label.text), label.method,
               label.score ? fmt::format(", balanced accuracy {:.3f}", *label.score) : "",
               label.reliable ? ", reliable" : ", not reliable: no fact");
  }
}

json label_json(const UnitLabel& label, const UnitTable& units) {
  json row = to_json(label);
  row["unit"] = units.name(units.unit(label.unit));
  return row;
}

void search(const Options& options) {
  const ExpertIndex index(options.index);
  const UnitFilter filter = options.units.filter();
  const std::vector<FoundUnit> found =
      search_units(index, options.query, filter, options.limit, options.passages);
  std::vector<UnitLabel> labels = find_labels(index, options.query, options.limit);
  std::erase_if(labels, [&](const UnitLabel& label) {
    return !passes(filter, index.units().unit(label.unit));
  });
  json rows = json::array(), said = json::array();
  for (const UnitLabel& label : labels) said.push_back(label_json(label, index.units()));
  if (!options.json) print_labels(labels, index.units());
  DocumentCache documents(index);
  for (const FoundUnit& unit : found) {
    const std::string name = index.units().name(unit.unit);
    const UnitRecord record = index.find(unit.unit).value();
    const ShownContext window = shown_context(index, documents, record, unit.best, 16, 8);
    if (options.json) {
      rows.push_back({{"unit", name},
                      {"found", unit.found},
                      {"contexts", unit.contexts},
                      {"rank", unit.rank()},
                      {"document", window.document},
                      {"position", window.position},
                      {"score", window.score},
                      {"tokens", window.pieces},
                      {"mark", window.mark}});
      continue;
    }
    fmt::print("{:<14} {:>2} of {:>2} contexts  {:.3f} {}\n", name, unit.found, unit.contexts,
               window.score, context_line(window, colours()));
  }
  if (options.json) {
    print_json({{"query", options.query}, {"units", rows}, {"labels", said}});
  }
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("words", options->query,
                 "Words that must all be there; \"in quotes\" side by side; a word may end in *")
      ->required();
  add_index(app, options->index);
  options->units.add_to(app, 10);
  app.add_option("--limit", options->limit, "So many units, at most")->capture_default_str();
  app.add_option("--passages", options->passages,
                 "So many passages with the words are looked at, the best ones")
      ->capture_default_str();
  app.add_flag("--json", options->json, "One JSON object");
  return [options] { search(*options); };
}

}  // namespace

extern const Command kExpertsSearchCommand = {
    "search", "Experts whose contexts or labels hold some words", setup};

}  // namespace expertoire::cli
