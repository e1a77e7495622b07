// expertoire eval summarization
#include "cli/eval_commands.h"
#include "cli/eval_embedding.h"
#include "eval/summarization.h"

namespace expertoire::cli {

extern const Command kEvalSummarizationCommand = {
    "summarization", "Ratings of summaries against their nearness to human ones",
    [](CLI::App& app) {
      return setup_embedding_eval<SummarySet>(
          app, {"human_summaries", "machine_summaries", "relevance"}, "relevance", score_summaries);
    }};

}  // namespace expertoire::cli
