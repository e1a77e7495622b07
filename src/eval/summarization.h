// Summarization: do summaries that people rate well lie near the summaries that people wrote?
#pragma once

#include <string>
#include <vector>

#include "eval/result.h"
#include "eval/rows.h"
#include "eval/text_table.h"

namespace expertoire {

/// Summaries of one text by people and by machines, and how people rate the latter.
struct RatedSummaries {
  std::vector<size_t> human, machine;  ///< rows of the TextTable
  std::vector<double> ratings;         ///< of machine
};

/// Fields human_summaries, machine_summaries, relevance (lists), as SummEval in MTEB.
struct SummarySet {
  std::string dataset;
  std::vector<RatedSummaries> texts;
  RowCounts counts;

  /// Errors: kBadFile.
  static SummarySet read(const std::string& path, const RowOptions& options, TextTable& texts);
};

/// For each text the correlation of ratings with the largest cosine to a human summary; the mean
/// over texts, without those where either is constant (mteb's SummarizationEvaluator; the
/// deprecated one averaged correlations with their p-values). Errors: kInvalidArgument when no text
/// is left.
EvalResult score_summaries(const SummarySet& set, const TextVectors& vectors,
                           const BootstrapOptions& bootstrap);

}  // namespace expertoire
