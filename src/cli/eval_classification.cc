// expertoire eval classification
#include "base/error.h"
#include "cli/eval_commands.h"
#include "cli/eval_embedding.h"
#include "cli/progress_on.h"
#include "eval/classification.h"

namespace expertoire::cli {
namespace {

struct Options {
  EmbeddingEvalOptions eval;
  ClassificationOptions protocol;
  std::vector<std::string> train;
};

// The file to learn from that goes with the i-th of --data; "" without --train.
std::string train_file(const Options& options, size_t i) {
  const size_t files = options.eval.data.files.size(), train = options.train.size();
  if (train == 0) return "";
  if (train == 1) return options.train.front();
  if (train == files) return options.train[i];
  throw Error(ErrorCode::kInvalidArgument,
              {"reading --train", std::to_string(train) + " files for " + std::to_string(files),
               "one file, or one for each of --data in the same order", ""});
}

void classification(const Options& options) {
  TextTable texts;
  std::vector<ClassificationSet> sets;
  const RowOptions rows = options.eval.data.rows("label");
  for (size_t i = 0; i < options.eval.data.files.size(); ++i) {
    sets.push_back(ClassificationSet::read(train_file(options, i), options.eval.data.files[i], rows,
                                           options.protocol, texts));
  }
  run_embedding_eval(options.eval, texts, [&](const SystemVectors& vectors) {
    std::vector<EvalResult> results;
    for (const ClassificationSet& set : sets) {
      ProgressBar bar("classifiers");
      results.push_back(std::visit(
          [&](const auto& one) {
            return score_classification(set, one, options.eval.data.bootstrap(),
                                        progress_on(bar, "classifying", set.dataset));
          },
          vectors));
    }
    return results;
  });
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->eval.add_to(app, {"text", "label"});
  app.add_option("--train", options->train,
                 "Files to learn from, one for each of --data (default: a half of its rows)");
  app.add_option("--samples-per-label", options->protocol.samples_per_label,
                 "Rows of each label that an experiment learns from")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--experiments", options->protocol.experiments,
                 "Classifiers that are learnt from different rows and averaged")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--seed", options->protocol.seed, "Of the rows that are drawn")
      ->capture_default_str();
  return [options] { classification(*options); };
}

}  // namespace

extern const Command kEvalClassificationCommand = {
    "classification", "Logistic regression on vectors, few rows a label: accuracy and macro F1",
    setup};

}  // namespace expertoire::cli
