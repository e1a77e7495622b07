// expertoire edit apply
#include <fmt/format.h>

#include <filesystem>

#include "analysis/apply_edit.h"
#include "analysis/compare_edits.h"
#include "base/error.h"
#include "cli/common.h"
#include "cli/document_scorer.h"
#include "cli/edit_commands.h"
#include "cli/text_scores.h"
#include "eval/compare.h"
#include "io/atomic_file.h"
#include "io/json.h"
#include "model/own_edit.h"
#include "routing/edit_comment.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

constexpr const char* kReportFormat = "expertoire.edit_report";

struct Options {
  ModelOptions model{kExpertsModel};
  std::string out, text, field = "text";
  WindowOptions windows;
  int resamples = 1000;
  bool json = false;
};

std::vector<TextScore> score(const Options& options, const std::string& folder) {
  ScoringOptions scoring{options.model, options.windows, "", false};
  scoring.model.edit.clear();
  scoring.model.model = folder;
  LoadedModel loaded(scoring.model, true);
  DocumentScorer scorer(scoring, loaded, {});
  return score_file(scorer, "model", options.text, options.field);
}

// What the text costs the model as it was, and the one that was written; adds to the report.
void measure(const Options& options, const std::string& written, json& report) {
  const BootstrapOptions bootstrap{.resamples = options.resamples};
  const auto result = [&](const std::string& folder) {
    return perplexity_result(options.text, score(options, folder), bootstrap);
  };
  const EvalResult before = result(options.model.folder());
  const EvalResult after = result(written);
  report["text"]["documents"] = before.n;
  report["before"].update(score_values(before));
  report["after"].update(score_values(after));
  report["change"] = score_values(paired_result(before, after, bootstrap));
}

json what_was_done(const Options& options, const AppliedEdit& done) {
  const std::string config = options.model.folder() + "/config.json";
  json layers = json::array();
  for (const auto& [layer, counts] : count_edits(RoutingEdit::load(options.model.edit),
                                                 parse_config(read_json_file(config), config))) {
    layers.push_back(to_json(layer, counts));
  }
  return {{"model", options.model.name()},
          {"config_hash", file_hash(config)},
          {"edit", options.model.edit},
          {"edit_hash", file_hash(options.model.edit)},
          {"in_weights", done.obstacle.empty()},
          {"obstacle", done.obstacle},
          {"experts_removed_a_layer", done.experts_removed},
          {"experts_zeroed", done.experts_zeroed},
          {"experts_scaled", done.experts_scaled},
          {"layers", std::move(layers)}};
}

// The report of an edit that was applied to this folder before.
json earlier(const std::string& folder) {
  const std::string path = folder + "/" + kEditReportFile;
  return std::filesystem::exists(path) ? read_json_file(path) : json();
}

void write_report(const Options& options, const AppliedEdit& done, const std::string& folder,
                  json& report) {
  report.update({{"format", kReportFormat},
                 {"version", 1},
                 {"what", what_was_done(options, done)},
                 {"why", edit_comments(options.model.edit)},
                 {"before", {{"parameters", done.parameters_before}}},
                 {"after", {{"parameters", done.parameters_after}}},
                 {"command", command_line()},
                 {"expertoire", EXPERTOIRE_VERSION}});
  const json before = earlier(options.model.folder());
  if (!before.is_null()) report["earlier"] = before;
  if (!options.text.empty()) measure(options, folder, report);
  write_file(folder + "/" + kEditReportFile,
             report.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
}

void print(const Options& options, const json& report) {
  const json& what = report["what"];
  if (what["in_weights"].get<bool>()) {
    fmt::print(
        "{}: {} experts removed from each layer, {} zeroed, {} scaled; {} parameters ({} before)\n",
        options.out, what["experts_removed_a_layer"].get<int>(),
        what["experts_zeroed"].get<int64_t>(), what["experts_scaled"].get<int64_t>(),
        report["after"]["parameters"].get<int64_t>(),
        report["before"]["parameters"].get<int64_t>());
  } else {
    fmt::print(
        "{}: the weights as they were, and {} beside them, which only Expertoire applies: {}\n",
        options.out, kOwnEditFile, what["obstacle"].get<std::string>());
  }
  for (const json& why : report["why"]) fmt::print("why: {}\n", why.get<std::string>());
  if (!report.contains("change")) return;
  for (const auto& [name, format, signed_format, words] :
       {std::tuple{"perplexity", "{:.3f}", "{:+.3f}", "perplexity"},
        std::tuple{"bits_per_byte", "{:.5f}", "{:+.5f}", "bits a byte"}}) {
    fmt::print("{}: {} before, {} after, change {}\n", words,
               shown_score(report["before"][name], format),
               shown_score(report["after"][name], format),
               shown_score(report["change"][name], signed_format));
  }
}

void apply(const Options& options) {
  json report = json::object();
  if (!options.text.empty()) {  // first: file_hash() refuses what cannot be read twice
    report["text"] = {{"file", options.text}, {"hash", file_hash(options.text)}};
  }
  const RoutingEdit edit = RoutingEdit::load(options.model.edit);
  apply_edit(options.model.folder(), edit, options.out,
             [&](const AppliedEdit& done, const std::string& folder) {
               write_report(options, done, folder, report);
             });
  report["out"] = options.out;
  options.json ? print_json(report) : print(options, report);
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->model.add_to(app);
  app.get_option("--edit")->required()->description("Edit file (docs/edits.md)");
  app.add_option("--out", options->out, "New folder")->required();
  app.add_option("--text", options->text,
                 "Held-out text to measure before and after: a .jsonl or .json (each line by "
                 "itself), or any other file as one text");
  app.add_option("--field", options->field, "Field of a .jsonl that holds the text")
      ->capture_default_str();
  add_window_options(app, options->windows);
  app.add_option("--resamples", options->resamples, "Bootstrap resamples behind the intervals")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  app.add_flag("--json", options->json, "The report as one JSON object");
  return [options] { apply(*options); };
}

}  // namespace

extern const Command kEditApplyCommand = {
    "apply", "A new model folder with the edit in its weights, where they can say it", setup};

}  // namespace expertoire::cli
