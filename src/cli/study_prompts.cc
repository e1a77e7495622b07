// expertoire eval study prompts
#include <cmath>

#include "cli/study_commands.h"
#include "cli/study_options.h"
#include "eval/mean.h"

namespace expertoire::cli {
namespace {

struct Options {
  StudyOptions study;
  std::vector<std::string> prompts = paper_prompts();
};

// The Spearmans of a data set under each prompt, by one kind of a system.
struct Spread {
  EvalResult result;
  std::vector<double> values;
};

EvalResult summary_of(const Spread& spread) {
  EvalResult out = spread.result;
  std::vector<double> sorted = spread.values;
  std::sort(sorted.begin(), sorted.end());
  out.task = "prompts";
  out.main = "mean";
  out.scores = {{"mean", {mean_of(sorted)}},
                {"std", {spread_of(sorted)}},
                {"lowest", {sorted.front()}},
                {"median", {quantile(sorted, 0.5)}},
                {"highest", {sorted.back()}}};
  out.details.erase("prompt");
  out.details["prompts"] = sorted.size();
  out.items = nlohmann::json::object();
  return out;
}

void study(const Options& options) {
  StudyOptions study = options.study;
  study.set_prompts(options.prompts);
  const StudyData data(study);
  StudyOutput output;
  std::map<std::string, Spread> spreads;
  std::vector<std::string> order;
  for_each_part(study, data, [&](const System& system, const TextVectors& vectors) {
    for (EvalResult& result : score_sts(data.sets, vectors, study.data.bootstrap())) {
      complete(result, system, data);
      const std::string label = result.dataset + ", " + system_label(result);
      if (!spreads.contains(label)) order.push_back(label);
      Spread& spread = spreads[label];
      spread.result = result;
      spread.values.push_back(result.scores.at("spearman").value);
      result.details["variant"] = options.prompts[system.pass];
      output.results.push_back(std::move(result));
    }
  });
  std::vector<PictureRow> rows;
  for (const std::string& label : order) {
    const Spread& spread = spreads.at(label);
    output.shown.push_back(summary_of(spread));
    rows.push_back({label, spread.values, {}, spread.result.system == "model" ? 0U : 7U});
  }
  output.results.insert(output.results.begin(), output.shown.begin(), output.shown.end());
  output.pictures = {{"Spearman under " + std::to_string(options.prompts.size()) + " prompts",
                      box_picture(rows, "spearman")}};
  publish(study, std::move(output));
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->study.systems.kinds = {"hidden", "routing", "sum"};
  options->study.add_to(app);
  options->study.systems.add_kinds(app);
  options->study.systems.embed.add_pooling(app);
  app.add_option("--prompts", options->prompts, "Names of `expertoire prompts`, or templates")
      ->capture_default_str();
  return [options] { study(*options); };
}

}  // namespace

extern const Command kStudyPromptsCommand = {
    "prompts", "STS under nine prompts: how much each kind depends on the wording", setup};

}  // namespace expertoire::cli
