// Summarization: do summaries that people rate well lie near the summaries that people wrote?
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/paper_rules.h"
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

/// kPaper: the deprecated evaluator, which the paper's code uses for every kind of embedding: it
/// averages each text's correlation together with its p-value.
enum class SummaryRules : uint8_t { kMteb, kPaper };

/// For each text the correlation of ratings with the largest cosine to a human summary; the mean
/// over texts, without those where either is constant (mteb's SummarizationEvaluator). Errors:
/// kInvalidArgument when no text is left.
EvalResult score_summaries(const SummarySet& set, const TextVectors& vectors, SummaryRules rules,
                           const BootstrapOptions& bootstrap);
/// The same by cos(hidden) + alpha · cos(routing).
EvalResult score_summaries(const SummarySet& set, const SumParts& parts, SummaryRules rules,
                           const BootstrapOptions& bootstrap);

}  // namespace expertoire
