// Semantic textual similarity: does the cosine of two texts order pairs as people do?
#pragma once

#include <string>
#include <vector>

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

}  // namespace expertoire
