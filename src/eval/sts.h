// Semantic textual similarity: does the cosine of two texts order pairs as people do?
#pragma once

#include <string>
#include <vector>

#include "eval/paper_rules.h"
#include "eval/result.h"
#include "eval/rows.h"
#include "eval/text_table.h"

namespace expertoire {

/// Pairs of texts with a score that people gave (fields sentence1, sentence2, score).
struct StsPairs {
  std::string dataset;
  std::vector<size_t> first, second;  ///< rows of the TextTable
  std::vector<double> gold;
  RowCounts counts;

  /// Errors: kBadFile, also when fewer than two different scores are there.
  static StsPairs read(const std::string& path, const RowOptions& options, TextTable& texts);
};

/// Spearman and Pearson of the cosines with the scores, of each data set; for several also over
/// them: "all" pools their pairs, "mean" averages their correlations (the two conventions that
/// papers use, which differ by several points).
std::vector<EvalResult> score_sts(const std::vector<StsPairs>& sets, const TextVectors& vectors,
                                  const BootstrapOptions& bootstrap);
/// By the paper's code: Spearman of cos(hidden) + alpha · cos(routing), which orders pairs as the
/// cosine of sum does. No Pearson: the code's is that of another embedding.
std::vector<EvalResult> score_sts(const std::vector<StsPairs>& sets, const SumParts& parts,
                                  const BootstrapOptions& bootstrap);

}  // namespace expertoire
