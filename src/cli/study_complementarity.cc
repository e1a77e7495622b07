// expertoire eval study complementarity
#include "cli/study_commands.h"
#include "cli/study_options.h"
#include "eval/complementarity.h"

namespace expertoire::cli {
namespace {

struct Options {
  StudyOptions study;
  std::vector<std::string> prompts = paper_prompts();
  size_t clusters = 50;
  uint32_t seed = 42;
};

// What a system says of a data set, prompt by prompt.
struct Gathered {
  std::vector<SimilarityList> lists;     // hidden of all prompts, then routing
  std::vector<Clusterings> clusterings;  // prompt by prompt
};

EvalResult result_of(const StsPairs& pairs, Gathered& gathered, const Options& options) {
  std::stable_partition(gathered.lists.begin(), gathered.lists.end(),
                        [](const SimilarityList& list) { return !list.routing; });
  const auto matrix = rank_correlations(gathered.lists);
  EvalResult result{.task = "complementarity", .dataset = pairs.dataset, .main = "hidden_routing"};
  result.n = static_cast<int64_t>(pairs.gold.size());
  const BootstrapOptions bootstrap = options.study.data.bootstrap();
  result.scores = mean_correlations(gathered.lists, bootstrap);
  result.scores.merge(cluster_overlap(gathered.clusterings, bootstrap));
  result.details = {{"clusters", options.clusters},
                    {"clustered_texts", texts_of(pairs).size()},
                    {"prompts", options.prompts},
                    {"correlations", matrix}};
  for (const SimilarityList& list : gathered.lists) result.details["labels"].push_back(list.label);
  return result;
}

void study(const Options& options) {
  StudyOptions study = options.study;
  study.set_prompts(options.prompts);
  const StudyData data(study);
  StudyOutput output;
  std::vector<Gathered> gathered(data.sets.size());
  TextVectors hidden;
  for_each_part(study, data, [&](const System& system, const TextVectors& vectors) {
    const bool routing = system.about.at("kind") == "routing";
    const std::string& prompt = options.prompts[system.pass];
    for (size_t i = 0; i < data.sets.size(); ++i) {
      const StsPairs& pairs = data.sets[i];
      gathered[i].lists.push_back(
          {(routing ? "routing, " : "hidden, ") + prompt, routing, pair_cosines(pairs, vectors)});
      if (!routing) continue;
      gathered[i].clusterings.push_back(
          cluster_both(hidden, vectors, texts_of(pairs), options.clusters, options.seed));
      if (system.pass + 1 < options.prompts.size()) continue;  // more prompts of this system
      EvalResult result = result_of(pairs, gathered[i], options);
      complete(result, system, data);
      for (const char* key : {"kind", "prompt"}) result.details.erase(key);
      output.pictures.push_back(
          {pairs.dataset + ", " + system.name + ": Spearman of similarities",
           heat_picture(result.details["labels"], result.details["correlations"])});
      output.results.push_back(std::move(result));
      gathered[i] = {};
    }
    if (!routing) hidden = vectors;
  });
  output.pictures.push_back({"Agreement of clusters, and mean Spearmans",
                             dot_picture(score_rows(output.results), "agreement")});
  publish(study, std::move(output));
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->study.systems.kinds = {"hidden", "routing"};
  options->study.add_to(app);
  options->study.systems.embed.add_pooling(app);
  app.add_option("--prompts", options->prompts, "Names of `expertoire prompts`, or templates")
      ->capture_default_str();
  app.add_option("--clusters", options->clusters, "Of k-means of the texts")
      ->check(CLI::Range(2, 1 << 20))
      ->capture_default_str();
  app.add_option("--seed", options->seed, "Of k-means")->capture_default_str();
  return [options] { study(*options); };
}

}  // namespace

extern const Command kStudyComplementarityCommand = {
    "complementarity", "Do hidden states and routing sort and compare texts alike?", setup};

}  // namespace expertoire::cli
