// expertoire eval summarization
#include "cli/eval_commands.h"
#include "cli/eval_embedding.h"
#include "eval/summarization.h"

namespace expertoire::cli {

extern const Command kEvalSummarizationCommand = {
    "summarization", "Ratings of summaries against their nearness to human ones",
    [](CLI::App& app) {
      return setup_embedding_eval<SummarySet>(
          app, {"human_summaries", "machine_summaries", "relevance"}, "relevance",
          [](const SummarySet& set, const auto& vectors, const EmbeddingEvalOptions& options) {
            const SummaryRules rules =
                options.systems.paper_rules ? SummaryRules::kPaper : SummaryRules::kMteb;
            return score_summaries(set, vectors, rules, options.data.bootstrap());
          });
    }};

}  // namespace expertoire::cli
