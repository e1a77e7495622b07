// expertoire eval clustering
#include "cli/eval_commands.h"
#include "cli/eval_embedding.h"
#include "cli/progress_on.h"
#include "eval/clustering.h"

namespace expertoire::cli {
namespace {

struct Options {
  EmbeddingEvalOptions eval;
  ClusteringOptions protocol;
};

void clustering(const Options& options) {
  TextTable texts;
  std::vector<ClusteringSet> sets;
  for (const std::string& file : options.eval.data.files) {
    sets.push_back(
        ClusteringSet::read(file, options.eval.data.rows("label"), options.protocol, texts));
  }
  run_embedding_eval(options.eval, texts, [&](const SystemVectors& vectors) {
    std::vector<EvalResult> results;
    for (const ClusteringSet& set : sets) {
      ProgressBar bar("clusterings");
      results.push_back(std::visit(
          [&](const auto& one) {
            return score_clustering(set, one, options.eval.data.bootstrap(),
                                    progress_on(bar, "clustering", set.dataset));
          },
          vectors));
    }
    return results;
  });
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->eval.add_to(app, {"text", "label", "sentences", "labels"});
  app.add_option("--experiments", options->protocol.experiments,
                 "Samples of a file of text and label that are clustered and averaged")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--sample", options->protocol.sample, "Texts of each sample; 0 = all")
      ->check(CLI::Range(0, 1 << 30))
      ->capture_default_str();
  app.add_option("--seed", options->protocol.seed, "Of samples and k-means")->capture_default_str();
  return [options] { clustering(*options); };
}

}  // namespace

extern const Command kEvalClusteringCommand = {
    "clustering", "Mini-batch k-means of vectors against labels: V-measure", setup};

}  // namespace expertoire::cli
