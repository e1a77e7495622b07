// Classification of texts by their vectors, by mteb's protocol (AbsTaskClassification).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/progress.h"
#include "eval/paper_rules.h"
#include "eval/result.h"
#include "eval/rows.h"
#include "eval/text_table.h"

namespace expertoire {

struct LabelledTexts {
  std::vector<size_t> rows;       ///< of the TextTable
  std::vector<uint32_t> classes;  ///< numbers of the labels
};

struct ClassificationOptions {
  int samples_per_label = 8;
  int experiments = 10;
  uint32_t seed = 42;
};

/// The rows of each experiment: up to so many of every class, in the order in which mteb takes them
/// (indexes shuffled by RandomState(seed), again for every experiment).
std::vector<std::vector<size_t>> undersample(const std::vector<uint32_t>& classes,
                                             const ClassificationOptions& options);

/// One data set (fields text, label): what each experiment learns from, and what is tested.
struct ClassificationSet {
  std::string dataset;
  std::vector<LabelledTexts> experiments;
  LabelledTexts test;
  std::map<std::string, uint32_t> labels;  ///< label → class
  RowCounts counts;                        ///< of the tested file
  size_t train_rows = 0;                   ///< from which the experiments are drawn
  ClassificationOptions options;
  bool halved = false;  ///< one file only: a half of its rows to learn from, a half to test

  /// `train_path` "": the rows of `path` are shuffled (RandomState(seed)) and halved. Only texts
  /// that are drawn or tested go into `texts`. Errors: kBadFile; kInvalidArgument when there are
  /// not two labels to learn, or none of the tested ones is among them.
  static ClassificationSet read(const std::string& train_path, const std::string& path,
                                const RowOptions& rows, const ClassificationOptions& options,
                                TextTable& texts);
};

/// Accuracy and macro F1 of a logistic regression on all tested rows, means over experiments, of
/// which `progress` hears.
EvalResult score_classification(const ClassificationSet& set, const TextVectors& vectors,
                                const BootstrapOptions& bootstrap,
                                const ProgressSink& progress = {});
/// By the paper's code: two regressions, of hidden states and of routing, whose class numbers are
/// averaged and cut to whole ones. Numbers are the labels themselves where all are whole numbers,
/// else their places in sorted order (the code takes whole numbers only).
EvalResult score_classification(const ClassificationSet& set, const SumParts& parts,
                                const BootstrapOptions& bootstrap,
                                const ProgressSink& progress = {});

}  // namespace expertoire
