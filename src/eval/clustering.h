// Clustering: do clusters of vectors agree with the labels of their texts?
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/progress.h"
#include "eval/paper_rules.h"
#include "eval/result.h"
#include "eval/rows.h"
#include "eval/text_table.h"

namespace expertoire {

struct ClusteringOptions {
  int experiments = 10;  ///< on a file of text and label
  int sample = 2048;     ///< texts of an experiment; 0 = all
  uint32_t seed = 42;
};

/// Texts that are clustered together.
struct ClusterSplit {
  std::vector<size_t> rows;       ///< of the TextTable
  std::vector<uint32_t> classes;  ///< numbers of the labels
  size_t labels = 0;              ///< different ones: so many clusters
  uint32_t seed = 0;
};

/// A file whose rows hold a split each (fields sentences, labels: MTEB's first form), or a text
/// each (text, label): then every experiment draws a sample without replacement, with a seed of its
/// own.
struct ClusteringSet {
  std::string dataset;
  std::vector<ClusterSplit> splits;
  RowCounts counts;
  bool sampled = false;

  /// Errors: kBadFile, also for a split with one label only.
  static ClusteringSet read(const std::string& path, const RowOptions& rows,
                            const ClusteringOptions& options, TextTable& texts);
};

/// V-measure of mini-batch k-means with as many clusters as labels, mean over splits, of which
/// `progress` hears.
EvalResult score_clustering(const ClusteringSet& set, const TextVectors& vectors,
                            const BootstrapOptions& bootstrap, const ProgressSink& progress = {});
/// By the paper's code: hidden states and routing are clustered apart, one after the other from one
/// stream of random numbers, and the averages of the two clusters' numbers are the clusters.
EvalResult score_clustering(const ClusteringSet& set, const SumParts& parts,
                            const BootstrapOptions& bootstrap, const ProgressSink& progress = {});

/// Harmonic mean of homogeneity and completeness (scikit-learn's v_measure_score).
double v_measure(const std::vector<uint32_t>& classes, const std::vector<uint32_t>& clusters);

}  // namespace expertoire
