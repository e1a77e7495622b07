// expertoire eval sts
#include "cli/eval_commands.h"
#include "cli/eval_embedding.h"
#include "eval/sts.h"

namespace expertoire::cli {
namespace {

void sts(const EmbeddingEvalOptions& options) {
  TextTable texts;
  std::vector<StsPairs> sets;
  for (const std::string& file : options.data.files) {
    sets.push_back(StsPairs::read(file, options.data.rows("score"), texts));
  }
  run_embedding_eval(options, texts, [&](const SystemVectors& vectors) {
    return std::visit(
        [&](const auto& one) { return score_sts(sets, one, options.data.bootstrap()); }, vectors);
  });
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<EmbeddingEvalOptions>();
  options->add_to(app, {"sentence1", "sentence2", "score"});
  return [options] { sts(*options); };
}

}  // namespace

extern const Command kEvalStsCommand = {
    "sts", "Semantic textual similarity: Spearman and Pearson of cosines", setup};

}  // namespace expertoire::cli
