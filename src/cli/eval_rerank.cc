// expertoire eval rerank
#include "cli/eval_commands.h"
#include "cli/eval_embedding.h"
#include "eval/rerank.h"

namespace expertoire::cli {

extern const Command kEvalRerankCommand = {
    "rerank", "Reranking of candidates for queries: MAP and MRR", [](CLI::App& app) {
      return setup_embedding_eval<RerankSet>(
          app, {"query", "positive", "negative"}, "",
          [](const RerankSet& set, const auto& vectors, const EmbeddingEvalOptions& options) {
            return score_rerank(set, vectors, options.data.bootstrap());
          });
    }};

}  // namespace expertoire::cli
