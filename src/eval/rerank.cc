#include "eval/rerank.h"

#include <algorithm>
#include <numeric>

#include "eval/pair_scores.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

constexpr size_t kMrrDepth = 10;

std::vector<double> similarities(const RankedQuery& query, const TextVectors& vectors) {
  std::vector<double> best;
  for (const size_t candidate : query.candidates) {
    double value = -2;
    for (const size_t phrasing : query.queries) {
      value = std::max(value, cosine(vectors.row(phrasing), vectors.row(candidate)));
    }
    best.push_back(value);
  }
  return best;
}

double reciprocal_rank(const std::vector<double>& scores, const std::vector<uint8_t>& positive) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  for (size_t rank = 0; rank < std::min(kMrrDepth, order.size()); ++rank) {
    if (positive[order[rank]] != 0) return 1.0 / static_cast<double>(rank + 1);
  }
  return 0;
}

// Of every query, in their order.
struct QueryScores {
  std::vector<double> precisions = {}, reciprocals = {};
};

EvalResult result_of(const RerankSet& set, const QueryScores& scores,
                     const BootstrapOptions& bootstrap) {
  EvalResult result{.task = "rerank", .dataset = set.dataset, .main = "map"};
  result.n = static_cast<int64_t>(set.queries.size());
  result.scores = {{"map", EvalScore::mean_of(scores.precisions, bootstrap)},
                   {"mrr", EvalScore::mean_of(scores.reciprocals, bootstrap)}};
  result.details = set.counts.left_out();
  result.details["one_sided"] = set.one_sided;
  result.items = {{"map", scores.precisions}, {"mrr", scores.reciprocals}};
  return result;
}

}  // namespace

RerankSet RerankSet::read(const std::string& path, const RowOptions& options, TextTable& texts) {
  RerankSet set;
  set.dataset = dataset_name(path);
  set.counts = read_rows(path, options, [&](const DataRow& row) {
    const auto phrasings = row.texts("query");
    const auto positive = row.texts("positive"), negative = row.texts("negative");
    if (phrasings.empty()) row.refuse("no query", "a text");
    if (positive.empty() || negative.empty()) {
      ++set.one_sided;
      return;
    }
    RankedQuery query;
    for (const std::string& text : phrasings) query.queries.push_back(texts.add(text));
    for (const auto* candidates : {&positive, &negative}) {
      for (const std::string& text : *candidates) {
        query.candidates.push_back(texts.add(text));
        query.positive.push_back(candidates == &positive ? 1 : 0);
      }
    }
    set.queries.push_back(std::move(query));
  });
  if (set.queries.empty()) {
    bad_file(path, "no query with both positive and negative candidates", "one or more",
             "name the fields with --positive-field and --negative-field");
  }
  return set;
}

EvalResult score_rerank(const RerankSet& set, const TextVectors& vectors,
                        const BootstrapOptions& bootstrap) {
  QueryScores all;
  for (const RankedQuery& query : set.queries) {
    const std::vector<double> scores = similarities(query, vectors);
    all.precisions.push_back(average_precision(scores, query.positive));
    all.reciprocals.push_back(reciprocal_rank(scores, query.positive));
  }
  return result_of(set, all, bootstrap);
}

EvalResult score_rerank(const RerankSet& set, const SumParts& parts,
                        const BootstrapOptions& bootstrap) {
  QueryScores all;
  for (const RankedQuery& query : set.queries) {
    const std::vector<double> hidden = similarities(query, parts.hidden);
    std::vector<double> summed = similarities(query, parts.routing);
    for (size_t i = 0; i < summed.size(); ++i) summed[i] = hidden[i] + parts.weight * summed[i];
    all.precisions.push_back(average_precision(summed, query.positive));
    all.reciprocals.push_back(reciprocal_rank(hidden, query.positive));
  }
  EvalResult result = result_of(set, all, bootstrap);
  result.details["rules"] = "paper";
  return result;
}

}  // namespace expertoire
