#include "eval/complementarity.h"

#include <cmath>
#include <set>

#include "eval/cluster_agreement.h"
#include "eval/correlation.h"
#include "eval/mean.h"
#include "eval/mini_batch_kmeans.h"

namespace expertoire {

std::vector<double> pair_cosines(const StsPairs& pairs, const TextVectors& vectors) {
  std::vector<double> all;
  for (size_t i = 0; i < pairs.gold.size(); ++i) {
    all.push_back(cosine(vectors.row(pairs.first[i]), vectors.row(pairs.second[i])));
  }
  return all;
}

std::vector<std::vector<double>> rank_correlations(const std::vector<SimilarityList>& lists) {
  std::vector<std::vector<double>> ranked;
  for (const SimilarityList& list : lists) ranked.push_back(ranks(list.values));
  std::vector<std::vector<double>> matrix(lists.size(), std::vector<double>(lists.size(), 1));
  for (size_t i = 0; i < lists.size(); ++i) {
    for (size_t j = 0; j < i; ++j) matrix[i][j] = matrix[j][i] = pearson(ranked[i], ranked[j]);
  }
  return matrix;
}

std::map<std::string, double> mean_correlations(const std::vector<SimilarityList>& lists,
                                                const std::vector<std::vector<double>>& matrix) {
  std::map<std::string, std::vector<double>> kinds = {
      {"hidden_hidden", {}}, {"routing_routing", {}}, {"hidden_routing", {}}};
  for (size_t i = 0; i < lists.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const char* kind = lists[i].routing != lists[j].routing ? "hidden_routing"
                         : lists[i].routing                   ? "routing_routing"
                                                              : "hidden_hidden";
      kinds[kind].push_back(matrix[i][j]);
    }
  }
  std::map<std::string, double> means;
  for (const auto& [kind, values] : kinds) means[kind] = values.empty() ? NAN : mean_of(values);
  return means;
}

std::vector<size_t> texts_of(const StsPairs& pairs) {
  std::set<size_t> texts(pairs.first.begin(), pairs.first.end());
  texts.insert(pairs.second.begin(), pairs.second.end());
  return {texts.begin(), texts.end()};
}

std::map<std::string, double> cluster_overlap(const TextVectors& hidden, const TextVectors& routing,
                                              const std::vector<size_t>& rows, size_t clusters,
                                              uint32_t seed) {
  const KMeansOptions options = {.clusters = clusters, .seed = seed};
  const auto a = mini_batch_kmeans(hidden, rows, options);
  const auto b = mini_batch_kmeans(routing, rows, options);
  const Contingency both(a, b);
  return {{"ami", both.adjusted_information()},
          {"nmi", both.normalized_information()},
          {"jaccard", both.pair_jaccard()}};
}

}  // namespace expertoire
