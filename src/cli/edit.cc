// expertoire edit: a command for what is done with edit files
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/compare_edits.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/common.h"
#include "cli/edit_commands.h"
#include "io/atomic_file.h"
#include "io/json.h"
#include "routing/edit_comment.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

struct Options {
  ModelOptions model{kExpertsModel};
  std::vector<std::string> files;
  std::string out;
  bool json = false;

  ModelConfig config() const {
    const std::string path = model.folder() + "/config.json";
    return parse_config(read_json_file(path), path);
  }
  RoutingEdit edit(size_t index) const { return RoutingEdit::load(files.at(index)); }
};

std::shared_ptr<Options> declare(CLI::App& app, int least, int most) {
  auto options = std::make_shared<Options>();
  app.add_option("files", options->files, "Edit files (docs/edits.md)")
      ->required()
      ->expected(least, most);
  return options;
}

void add_model(CLI::App& app, Options& options) {
  app.add_option(
      "--model", options.model.model,
      fmt::format("The model that the edit is for (default: {})", options.model.default_model));
}
void add_out(CLI::App& app, Options& options, const char* help) {
  app.add_option("--out", options.out, help)->required();
}
void add_json(CLI::App& app, Options& options) {
  app.add_flag("--json", options.json, "As one JSON object");
}

void validate(const Options& options) {
  json layers = json::array();
  for (const auto& [layer, counts] : count_edits(options.edit(0), options.config())) {
    layers.push_back(to_json(layer, counts));
  }
  if (options.json) {
    print_json({{"edit", options.files[0]}, {"model", options.model.name()}, {"layers", layers}});
    return;
  }
  fmt::print("{} fits {}\n", options.files[0], options.model.name());
  for (const json& layer : layers) {
    fmt::print("layer {:>3}: {} ablated, {} scaled, {} rerouted, {} forced{}\n",
               layer["layer"].get<int>(), layer["ablated"].get<int64_t>(),
               layer["scaled"].get<int64_t>(), layer["rerouted"].get<int64_t>(),
               layer["forced"].get<int64_t>(), layer["shared"] ? ", shared experts changed" : "");
  }
}

void combine(const Options& options) {
  RoutingEdit all;
  std::vector<std::string> why;
  for (size_t i = 0; i < options.files.size(); ++i) {
    const RoutingEdit next = options.edit(i);
    if (i > 0 && !next.model().fits(all.model())) {
      throw Error(ErrorCode::kInvalidArgument,
                  {"combining edits", options.files[i] + " is for another model than those before",
                   "edits of one model", ""});
    }
    all = all.then(next);
    for (std::string& one : edit_comments(options.files[i])) why.push_back(std::move(one));
  }
  write_file(options.out, commented_edit(all, fmt::format("{}", fmt::join(why, "; "))));
}

void invert(const Options& options) {
  const RoutingEdit inverse = invert_edit(options.edit(0), options.config());
  const std::vector<std::string> why = edit_comments(options.files[0]);
  write_file(options.out, commented_edit(inverse, why.empty() ? std::string()
                                                              : fmt::format("all but: {}",
                                                                            fmt::join(why, "; "))));
}

void diff(const Options& options) {
  json layers = json::array();
  for (const auto& [layer, found] :
       compare_edits(options.edit(0), options.edit(1), options.config())) {
    layers.push_back({{"layer", layer},
                      {"only_first", found.only_first},
                      {"only_second", found.only_second},
                      {"otherwise", found.otherwise},
                      {"alike", found.alike},
                      {"shared_differ", found.shared}});
  }
  if (options.json) {
    print_json({{"first", options.files[0]}, {"second", options.files[1]}, {"layers", layers}});
    return;
  }
  for (const json& layer : layers) {
    fmt::print(
        "layer {:>3}: {} alike, {} only in the first, {} only in the second, {} otherwise{}\n",
        layer["layer"].get<int>(), layer["alike"].get<int64_t>(), layer["only_first"].size(),
        layer["only_second"].size(), layer["otherwise"].size(),
        layer["shared_differ"] ? "; shared experts differ" : "");
  }
}

std::function<void()> setup_validate(CLI::App& app) {
  auto options = declare(app, 1, 1);
  add_model(app, *options);
  add_json(app, *options);
  return [options] { validate(*options); };
}
std::function<void()> setup_combine(CLI::App& app) {
  auto options = declare(app, 2, 1 << 20);
  add_out(app, *options, "The edit of all, in order");
  return [options] { combine(*options); };
}
std::function<void()> setup_invert(CLI::App& app) {
  auto options = declare(app, 1, 1);
  add_model(app, *options);
  add_out(app, *options, "The edit that leaves only what the other takes away");
  return [options] { invert(*options); };
}
std::function<void()> setup_diff(CLI::App& app) {
  auto options = declare(app, 2, 2);
  add_model(app, *options);
  add_json(app, *options);
  return [options] { diff(*options); };
}
const std::vector<Command> kEditCommands = {
    {"validate", "Does an edit fit a model, and what does it change?", setup_validate},
    {"combine", "Several edits, one after the other, as one", setup_combine},
    {"invert", "The edit that keeps what another removes, and removes the rest", setup_invert},
    {"diff", "Which experts do two edits treat otherwise?", setup_diff},
    kEditApplyCommand};

std::function<void()> setup(CLI::App& app) {
  add_commands(app, kEditCommands);
  return [] {};  // the sub-command's own callback does the work
}

}  // namespace

json to_json(int layer, const EditCounts& counts) {
  return {{"layer", layer},          {"ablated", counts.ablated},
          {"scaled", counts.scaled}, {"rerouted", counts.rerouted},
          {"forced", counts.forced}, {"shared", counts.shared}};
}

extern const Command kEditCommand = {"edit", "Checks, combines and applies routing edits", setup};

}  // namespace expertoire::cli
