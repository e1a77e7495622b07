// Pair classification: do similarities tell pairs that mean the same from others?
#pragma once

#include <string>
#include <vector>

#include "eval/paper_rules.h"
#include "eval/result.h"
#include "eval/rows.h"
#include "eval/text_table.h"

namespace expertoire {

/// Pairs of texts that belong together or not: fields sentence1, sentence2, label (1 or 0), or
/// lists of them (MTEB's first form has all pairs in one row).
struct LabelledPairs {
  std::string dataset;
  std::vector<size_t> first, second;  ///< rows of the TextTable
  std::vector<uint8_t> positive;
  RowCounts counts;

  /// Errors: kBadFile, also when all rows have one label.
  static LabelledPairs read(const std::string& path, const RowOptions& options, TextTable& texts);
};

/// AP, best accuracy and best F1 by cosine, dot product, Euclidean and Manhattan distance
/// ("cosine_ap" …), and of each the largest of the four ("ap", "accuracy", "f1": mteb's max_ap …).
EvalResult score_pairs(const LabelledPairs& pairs, const TextVectors& vectors,
                       const BootstrapOptions& bootstrap);
/// By the paper's code: cosines, and Euclidean and Manhattan distances of two scales, of hidden
/// states and of routing are added; the dot product is that of hidden states.
EvalResult score_pairs(const LabelledPairs& pairs, const SumParts& parts,
                       const BootstrapOptions& bootstrap);

}  // namespace expertoire
