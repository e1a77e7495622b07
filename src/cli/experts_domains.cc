// expertoire experts domains
#include <fmt/format.h>

#include "analysis/domain_report.h"
#include "cli/command.h"
#include "cli/common.h"
#include "cli/domain_options.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

struct Options {
  DomainFlags flags;
  std::string model, out;
  int threads = 0;
  bool json = false;
};

// Adds the names of the edit files to what was found.
void write_edits(const Options& options, const ExpertIndex& index, const DomainSelection& selection,
                 json& found) {
  const auto indexed = index.info().provenance.find("model");
  const std::string model = !options.model.empty()                     ? options.model
                            : indexed != index.info().provenance.end() ? indexed->second
                                                                       : std::string();
  const ModelConfig config = config_for(index, model_folder(model));
  const std::vector<std::string> files =
      write_domains(selection, index.units(), config, options.flags.plain, options.out);
  for (size_t d = 0; d < files.size(); ++d) {
    found["domains"][d]["edit"] = files[d].empty() ? json() : json(options.out + "/" + files[d]);
  }
}

void domains(const Options& options) {
  const ExpertIndex index(options.flags.index);
  const std::optional<ExpertIndex> second = open_second(options.flags, index);
  const DomainGroups groups = options.flags.groups_of(index);
  const DomainOptions chosen = options.flags.options(options.threads);
  const DomainSelection selection = select_with_progress(index, groups, chosen);
  json found = to_json(selection, chosen, index.units());
  found["index"] = options.flags.index;
  found["provenance"] = index.info().provenance;
  if (second) {
    found["agreement"] = agreement_json(selection, select_with_progress(*second, groups, chosen));
  }
  if (!options.out.empty()) write_edits(options, index, selection, found);
  if (options.json) {
    print_json(found);
    return;
  }
  print_selection(found);
  if (second) print_agreement(found["agreement"]);
  if (!options.out.empty()) fmt::print("edit files: {}\n", options.out);
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->flags.add_to(app);
  app.add_option("--out", options->out,
                 "New folder: an edit file for each domain, and every expert as JSON Lines");
  app.add_option("--model", options->model,
                 "The model that the edits are for (default: as the index names it)");
  app.add_option("--threads", options->threads, "Threads (default: all CPUs)")
      ->check(CLI::Range(1, 1024));
  app.add_flag("--json", options->json, "As one JSON object");
  return [options] { domains(*options); };
}

}  // namespace

extern const Command kExpertsDomainsCommand = {
    "domains", "Which experts serve which domain, with an edit file for each", setup};

}  // namespace expertoire::cli
