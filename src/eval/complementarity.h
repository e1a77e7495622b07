// How much hidden states and routing say the same of texts (the MoEE paper's section on
// complementarity).
#pragma once

#include <string>
#include <vector>

#include "eval/result.h"
#include "eval/sts.h"

namespace expertoire {

/// What one prompt and part give of a data set's pairs.
struct SimilarityList {
  std::string label;
  bool routing = false;
  std::vector<double> values;  ///< cosine of each pair
};

/// Cosine of each pair.
std::vector<double> pair_cosines(const StsPairs& pairs, const TextVectors& vectors);

/// Spearman of each list with each: [lists][lists], 1 on the diagonal.
std::vector<std::vector<double>> rank_correlations(const std::vector<SimilarityList>& lists);

/// Means of rank_correlations() over two different hidden lists, two different routing lists, and
/// one of each, as "hidden_hidden", "routing_routing", "hidden_routing", with intervals by the
/// bootstrap over pairs; NaN where there is no such pair of lists.
std::map<std::string, EvalScore> mean_correlations(const std::vector<SimilarityList>& lists,
                                                   const BootstrapOptions& options);

/// The texts of all pairs, each once.
std::vector<size_t> texts_of(const StsPairs& pairs);

/// Two clusterings of the same texts.
struct Clusterings {
  std::vector<uint32_t> hidden, routing;
};

/// Of `rows`, by mini-batch k-means, a stream of random numbers each.
Clusterings cluster_both(const TextVectors& hidden, const TextVectors& routing,
                         const std::vector<size_t>& rows, size_t clusters, uint32_t seed);

/// Agreement of clusterings under several prompts, averaged: "ami", "nmi", "jaccard", with
/// intervals over texts by for_each_half(): two of a text in a draw would agree with each other.
/// The clusterings stay as they are.
std::map<std::string, EvalScore> cluster_overlap(const std::vector<Clusterings>& prompts,
                                                 const BootstrapOptions& options);

}  // namespace expertoire
