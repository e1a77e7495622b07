// expertoire eval study ablation
#include "cli/study_commands.h"
#include "cli/study_options.h"

namespace expertoire::cli {
namespace {

std::string variant_of(const EmbedCliOptions& pass) {
  return (pass.pooling == "last" ? "last token, " : "mean of tokens, ") +
         std::string(pass.hidden_layers == "last" ? "last layer" : "all layers");
}

std::vector<EmbedCliOptions> passes_of(const EmbedCliOptions& usual) {
  std::vector<EmbedCliOptions> passes;
  for (const char* pooling : {"last", "mean"}) {
    for (const char* layers : {"last", "all"}) {
      passes.push_back(usual);
      passes.back().pooling = pooling;
      passes.back().hidden_layers = passes.back().routing_layers = layers;
    }
  }
  return passes;
}

void study(const StudyOptions& options) {
  StudyOptions study = options;
  study.systems.passes = passes_of(options.systems.embed);
  const StudyData data(study);
  StudyOutput output;
  for_each_part(study, data, [&](const System& system, const TextVectors& vectors) {
    for (EvalResult& result : score_sts(data.sets, vectors, study.data.bootstrap())) {
      complete(result, system, data);
      result.task = "ablation";
      result.details["variant"] = variant_of(study.systems.passes[system.pass]);
      output.results.push_back(std::move(result));
    }
  });
  std::vector<const EvalResult*> all;
  for (const EvalResult& result : output.results) all.push_back(&result);
  if (const auto picture = score_picture(all)) {
    output.pictures = {{"Spearman by token and layer", *picture}};
  }
  publish(study, std::move(output));
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<StudyOptions>();
  options->systems.kinds = {"hidden", "routing", "sum"};
  options->add_to(app);
  options->systems.add_kinds(app);
  options->systems.embed.add_prompt(app);
  return [options] { study(*options); };
}

}  // namespace

extern const Command kStudyAblationCommand = {
    "ablation", "STS by the last token or the mean, of the last layer or all", setup};

}  // namespace expertoire::cli
