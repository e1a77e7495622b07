// What the tasks of `expertoire eval` that score embeddings share: from texts to results.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/embed_options.h"
#include "cli/eval_options.h"
#include "eval/result.h"
#include "eval/text_table.h"

namespace expertoire::cli {

struct EmbeddingEvalOptions {
  EvalDataOptions data;
  EmbedCliOptions embed;
  std::vector<std::string> kinds = {"hidden"};
  std::vector<double> alphas = {1.0};  ///< of sum

  void add_to(CLI::App& app, const std::vector<std::string>& fields);
};

/// What a task makes of vectors: a result for each of its data sets.
using ScoreVectors = std::function<std::vector<EvalResult>(const TextVectors&)>;

/// Embeds every text once, scores each kind, and prints.
void run_embedding_eval(const EmbeddingEvalOptions& options, const TextTable& texts,
                        const ScoreVectors& score);

}  // namespace expertoire::cli
