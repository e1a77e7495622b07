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

/// Means of a matrix of rank_correlations() over two different hidden lists, two different routing
/// lists, and one of each, as "hidden_hidden", "routing_routing", "hidden_routing"; NaN where there
/// is no such pair.
std::map<std::string, double> mean_correlations(const std::vector<SimilarityList>& lists,
                                                const std::vector<std::vector<double>>& matrix);

/// The texts of all pairs, each once.
std::vector<size_t> texts_of(const StsPairs& pairs);

/// Agreement of two clusterings of the same `rows`, one of hidden states, one of routing
/// (mini-batch k-means, a stream of random numbers each): "ami", "nmi", "jaccard".
std::map<std::string, double> cluster_overlap(const TextVectors& hidden, const TextVectors& routing,
                                              const std::vector<size_t>& rows, size_t clusters,
                                              uint32_t seed);

}  // namespace expertoire
