// What the tasks of `expertoire eval` that score embeddings share: from texts to results.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/eval_options.h"
#include "cli/eval_systems.h"
#include "eval/result.h"
#include "eval/text_table.h"

namespace expertoire::cli {

struct EmbeddingEvalOptions {
  EvalDataOptions data;
  SystemOptions systems;

  void add_to(CLI::App& app, const std::vector<std::string>& fields);
};

/// What a task makes of vectors: a result for each of its data sets.
using ScoreVectors = std::function<std::vector<EvalResult>(const TextVectors&)>;

/// Embeds every text once, scores each kind and control, and prints.
void run_embedding_eval(const EmbeddingEvalOptions& options, const TextTable& texts,
                        const ScoreVectors& score);

}  // namespace expertoire::cli
