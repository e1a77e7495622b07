// expertoire experts top
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/common.h"
#include "cli/experts_text.h"
#include "cli/table.h"

namespace expertoire::cli {
namespace {

struct Options {
  RankingFlags ranking;
  std::string index;
  size_t limit = 20;
  bool json = false;
};

std::vector<std::string> row_of(const UnitView& view, const IndexInfo& info) {
  std::string tokens;
  for (const NamedToken& token : view.tokens) tokens += in_quotation(token.text) + " ";
  const UnitRecord& record = view.record;
  return {view.name,
          std::to_string(record.count),
          fmt::format("{:.4g}", record.mass),
          fmt::format("{:.3f}", record.max),
          leading_label(view.rates, info),
          tokens};
}

void top(const Options& options) {
  const ExpertIndex index(options.index);
  const std::vector<UnitRecord> records = ranked_units(
      index, options.ranking.order(), options.ranking.filter(index.info()), options.limit);
  ViewOptions few;
  if (!options.json) few.tokens = 4, few.contexts = 0, few.partners = 0;
  UnitViewer viewer(index, few);
  viewer.read_texts(records);
  std::vector<std::vector<std::string>> rows = {
      {"unit", "uses", "mass", "highest", "label", "tokens"}};
  for (const UnitRecord& record : records) {
    const UnitView view = viewer.view(record);
    if (options.json) {
      print_json(to_json(view, index));
    } else {
      rows.push_back(row_of(view, index.info()));
    }
  }
  if (!options.json) print_table(rows);
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  add_index(app, options->index);
  options->ranking.add_to(app, "mass");
  app.add_option("--limit", options->limit, "So many, at most")->capture_default_str();
  app.add_flag("--json", options->json, "A JSON object a line, as of `experts show`");
  return [options] { top(*options); };
}

}  // namespace

extern const Command kExpertsTopCommand = {
    "top", "The experts that are used most, most strongly, or for one kind of text", setup};

}  // namespace expertoire::cli
