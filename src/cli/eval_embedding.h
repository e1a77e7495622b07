// What the tasks of `expertoire eval` that score embeddings share: from texts to results.
#pragma once

#include <functional>
#include <memory>
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
  std::vector<std::string> vectors;  ///< NAME=F.npy: another system's, of every text
  std::string texts_out;             ///< a .jsonl file; "" = none

  void add_to(CLI::App& app, const std::vector<std::string>& fields);
};

/// What a task makes of vectors: a result for each of its data sets.
using ScoreVectors = std::function<std::vector<EvalResult>(const SystemVectors&)>;

/// Embeds every text once, scores each kind and control and every other system's vectors, and
/// prints. Errors: of a file of vectors that has not a row for each text, before the work.
void run_embedding_eval(const EmbeddingEvalOptions& options, const TextTable& texts,
                        const ScoreVectors& score);

/// The whole command of a task whose data sets are read and scored one by one: its `Set` has
/// read(path, rows, texts). `score(set, vectors, options)` takes TextVectors and SumParts. Rows
/// whose field `label` is null are left out.
template <class Set, class Score>
std::function<void()> setup_embedding_eval(CLI::App& app, const std::vector<std::string>& fields,
                                           const std::string& label, Score score) {
  auto options = std::make_shared<EmbeddingEvalOptions>();
  options->add_to(app, fields);
  return [options, label, score] {
    TextTable texts;
    std::vector<Set> sets;
    for (const std::string& file : options->data.files) {
      sets.push_back(Set::read(file, options->data.rows(label), texts));
    }
    run_embedding_eval(*options, texts, [&](const SystemVectors& vectors) {
      std::vector<EvalResult> results;
      for (const Set& set : sets) {
        results.push_back(
            std::visit([&](const auto& one) { return score(set, one, *options); }, vectors));
      }
      return results;
    });
  };
}

}  // namespace expertoire::cli
