// expertoire eval rerank
#include "cli/eval_commands.h"
#include "cli/eval_embedding.h"
#include "eval/rerank.h"

namespace expertoire::cli {

extern const Command kEvalRerankCommand = {
    "rerank", "Reranking of candidates for queries: MAP and MRR", [](CLI::App& app) {
      return setup_embedding_eval<RerankSet>(app, {"query", "positive", "negative"}, "",
                                             score_rerank);
    }};

}  // namespace expertoire::cli
