// expertoire eval pairs
#include "cli/eval_commands.h"
#include "cli/eval_embedding.h"
#include "eval/pairs.h"

namespace expertoire::cli {

extern const Command kEvalPairsCommand = {
    "pairs", "Pair classification: average precision, best accuracy and F1", [](CLI::App& app) {
      return setup_embedding_eval<LabelledPairs>(
          app, {"sentence1", "sentence2", "label"}, "label",
          [](const LabelledPairs& pairs, const auto& vectors, const EmbeddingEvalOptions& options) {
            return score_pairs(pairs, vectors, options.data.bootstrap());
          });
    }};

}  // namespace expertoire::cli
