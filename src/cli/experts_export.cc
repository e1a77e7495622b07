// expertoire experts export
#include <fmt/format.h>

#include <memory>

#include "analysis/export_html.h"
#include "analysis/export_json.h"
#include "analysis/export_neuronpedia.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/common.h"
#include "cli/experts_text.h"

namespace expertoire::cli {
namespace {

enum class Format : uint8_t { kHtml, kJsonl, kNeuronpedia, kExpertsJson };
constexpr std::string_view kFormatNames[] = {"html", "jsonl", "neuronpedia", "experts-json"};

struct Options {
  ModelOptions model{kExpertsModel};
  RankingFlags ranking;
  ExportOptions units;
  NeuronpediaOptions neuronpedia;
  std::string index, format = "html", out;
};

void write(const Options& options, Format format, ExportedUnits& units) {
  ProgressBar bar("units");
  const auto total = static_cast<double>(units.records().size());
  const auto progress = [&](int64_t done) {
    interrupt_token().check("exporting");
    bar.update(done, static_cast<double>(done) / total);
  };
  switch (format) {
    case Format::kHtml: return export_html(units, options.out, progress);
    case Format::kJsonl: return export_jsonl(units, options.out, progress);
    case Format::kExpertsJson: return export_experts_json(units, options.out, progress);
    case Format::kNeuronpedia:
      return export_neuronpedia(units, options.out, options.neuronpedia, progress);
  }
}

void export_units(const Options& options) {
  const auto format = choose_enum<Format>("--format", options.format, kFormatNames);
  const ExpertIndex index(options.index);
  std::unique_ptr<UnitEffects> effects;
  if (!options.model.model.empty()) {
    effects = std::make_unique<UnitEffects>(index, options.model.folder(), 10);
  }
  ExportOptions chosen = options.units;
  chosen.order = options.ranking.order();
  chosen.filter = options.ranking.filter(index.info());
  ExportedUnits units(index, chosen, effects.get());
  write(options, format, units);
  fmt::print("{}: {} of {} experts and keys\n", options.out, units.records().size(),
             index.units().size());
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  add_index(app, options->index);
  app.add_option("--format", options->format,
                 "html (a folder of pages), jsonl (a line a unit, as `experts show --json`), "
                 "neuronpedia (a folder) or experts-json (one object)")
      ->capture_default_str();
  app.add_option("--out", options->out, "New folder, or file")->required();
  app.add_option("--model", options->model.model,
                 "The model of the index: adds the tokens whose logits a unit raises and lowers");
  options->ranking.add_to(app, "mass");
  app.add_option(
         "--limit", options->units.experts,
         "So many experts, at most, the first --by that order; all keys of factored routing "
         "come with them")
      ->capture_default_str();
  app.add_option("--before", options->units.view.before, "Tokens in front of a context's own")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--after", options->units.view.after, "Tokens behind it")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--model-id", options->neuronpedia.model,
                 "neuronpedia: modelId (default: the name of the index's model)");
  app.add_option("--release", options->neuronpedia.release, "neuronpedia: name of the release")
      ->capture_default_str();
  app.add_option("--creator", options->neuronpedia.creator, "neuronpedia: creatorName")
      ->capture_default_str();
  app.add_option("--creator-id", options->neuronpedia.creator_id,
                 "neuronpedia: creatorId, of an account of the site");
  return [options] { export_units(*options); };
}

}  // namespace

extern const Command kExpertsExportCommand = {"export",
                                              "Pages for people, or files for other tools", setup};

}  // namespace expertoire::cli
