#include "eval/complementarity.h"

#include <cmath>
#include <functional>
#include <numeric>
#include <set>

#include "eval/cluster_agreement.h"
#include "eval/correlation.h"
#include "eval/mini_batch_kmeans.h"

namespace expertoire {
namespace {

using Values = std::map<std::string, double>;

// Unit ranks of several lists, added up: what is needed of their inner products.
struct Summed {
  size_t lists = 0;
  std::vector<double> sum;  // [pairs]
};

Summed summed(const std::vector<RankedValues>& lists, std::span<const uint32_t> weights) {
  Summed all{lists.size(), std::vector<double>(weights.size())};
  for (const RankedValues& list : lists) {
    const std::vector<double> ranks = list.unit_ranks(weights);
    for (size_t i = 0; i < ranks.size(); ++i) all.sum[i] += ranks[i];
  }
  return all;
}

double inner(const Summed& a, const Summed& b) {
  return std::inner_product(a.sum.begin(), a.sum.end(), b.sum.begin(), 0.0);
}

// Of n unit vectors, the square of the sum is n and twice all inner products of two.
double mean_within(const Summed& all) {
  const auto count = static_cast<double>(all.lists);
  return (inner(all, all) - count) / (count * (count - 1));
}

Values means(const Summed& hidden, const Summed& routing) {
  const auto both = static_cast<double>(hidden.lists * routing.lists);
  return {{"hidden_hidden", hidden.lists < 2 ? NAN : mean_within(hidden)},
          {"routing_routing", routing.lists < 2 ? NAN : mean_within(routing)},
          {"hidden_routing", both == 0 ? NAN : inner(hidden, routing) / both}};
}

std::vector<uint32_t> labels_of(const std::vector<uint32_t>& labels, Draw draw) {
  std::vector<uint32_t> drawn;
  for (const uint32_t item : draw) drawn.push_back(labels[item]);
  return drawn;
}

// Each value with the interval of its replicates, which `each` hands out draw by draw.
std::map<std::string, EvalScore> scores_of(
    const Values& values, Interval (*interval)(double, std::vector<double>, double),
    const std::function<void(const std::function<void(const Values&)>&)>& each) {
  std::map<std::string, std::vector<double>> replicates;
  each([&](const Values& draw) {
    for (const auto& [name, value] : draw) replicates[name].push_back(value);
  });
  std::map<std::string, EvalScore> scores;
  for (const auto& [name, value] : values) {
    scores[name] = {value};
    if (replicates.empty() || std::isnan(value)) continue;
    const Interval ends = interval(value, replicates[name], 0.95);
    scores[name].interval = std::pair(ends.low, ends.high);
  }
  return scores;
}

}  // namespace

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

std::map<std::string, EvalScore> mean_correlations(const std::vector<SimilarityList>& lists,
                                                   const BootstrapOptions& options) {
  if (lists.empty()) return {};
  const size_t pairs = lists.front().values.size();
  std::vector<RankedValues> hidden, routing;
  for (const SimilarityList& list : lists) {
    (list.routing ? routing : hidden).emplace_back(list.values);
  }
  const auto means_of = [&](Draw draw) {
    const auto weights = weights_of(draw, pairs);
    return means(summed(hidden, weights), summed(routing, weights));
  };
  return scores_of(means_of(each_item(pairs)), interval_of, [&](const auto& take) {
    for_each_resample(pairs, options, [&](Draw draw) { take(means_of(draw)); });
  });
}

std::vector<size_t> texts_of(const StsPairs& pairs) {
  std::set<size_t> texts(pairs.first.begin(), pairs.first.end());
  texts.insert(pairs.second.begin(), pairs.second.end());
  return {texts.begin(), texts.end()};
}

Clusterings cluster_both(const TextVectors& hidden, const TextVectors& routing,
                         const std::vector<size_t>& rows, size_t clusters, uint32_t seed) {
  const KMeansOptions options = {.clusters = clusters, .seed = seed};
  return {mini_batch_kmeans(hidden, rows, options), mini_batch_kmeans(routing, rows, options)};
}

std::map<std::string, EvalScore> cluster_overlap(const std::vector<Clusterings>& prompts,
                                                 const BootstrapOptions& options) {
  if (prompts.empty()) return {};
  const size_t texts = prompts.front().hidden.size();
  const auto overlap_of = [&](Draw draw) {
    Values mean = {{"ami", 0}, {"nmi", 0}, {"jaccard", 0}};
    for (const Clusterings& one : prompts) {
      const Contingency both(labels_of(one.hidden, draw), labels_of(one.routing, draw));
      mean["ami"] += both.adjusted_information() / static_cast<double>(prompts.size());
      mean["nmi"] += both.normalized_information() / static_cast<double>(prompts.size());
      mean["jaccard"] += both.pair_jaccard() / static_cast<double>(prompts.size());
    }
    return mean;
  };
  return scores_of(overlap_of(each_item(texts)), interval_of_halves, [&](const auto& take) {
    for_each_half(texts, options, [&](Draw draw) { take(overlap_of(draw)); });
  });
}

}  // namespace expertoire
