#include "eval/sts.h"

#include <algorithm>
#include <functional>

#include "eval/correlation.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

std::vector<double> cosines(const StsPairs& pairs, const TextVectors& vectors) {
  std::vector<double> all;
  for (size_t i = 0; i < pairs.gold.size(); ++i) {
    all.push_back(cosine(vectors.row(pairs.first[i]), vectors.row(pairs.second[i])));
  }
  return all;
}

EvalResult correlate(const std::string& dataset, const std::vector<double>& gold,
                     const std::vector<double>& similarity) {
  EvalResult result{.task = "sts", .dataset = dataset, .main = "spearman"};
  result.n = static_cast<int64_t>(gold.size());
  result.scores = {{"pearson", {pearson(gold, similarity), {}}},
                   {"spearman", {spearman(gold, similarity), {}}}};
  result.items = {{"gold", gold}, {"similarity", similarity}};
  return result;
}

EvalResult mean_of(const std::vector<EvalResult>& results) {
  EvalResult mean{.task = "sts", .dataset = "mean", .main = "spearman"};
  for (const EvalResult& result : results) {
    mean.n += result.n;
    for (const auto& [name, score] : result.scores) {
      mean.scores[name].value += score.value / static_cast<double>(results.size());
    }
  }
  return mean;
}

}  // namespace

StsPairs StsPairs::read(const std::string& path, const RowOptions& options, TextTable& texts) {
  StsPairs pairs;
  pairs.dataset = dataset_name(path);
  pairs.counts = read_rows(path, options, [&](const DataRow& row) {
    const double score = row.number("score");
    const std::string one = row.text("sentence1"), two = row.text("sentence2");
    pairs.gold.push_back(score);
    pairs.first.push_back(texts.add(one));
    pairs.second.push_back(texts.add(two));
  });
  if (std::adjacent_find(pairs.gold.begin(), pairs.gold.end(), std::not_equal_to<>()) ==
      pairs.gold.end()) {
    bad_file(path, "the same score in every row", "scores that differ",
             "correlations need two scores or more; name the field with --score-field");
  }
  return pairs;
}

std::vector<EvalResult> score_sts(const std::vector<StsPairs>& sets, const TextVectors& vectors) {
  std::vector<EvalResult> results;
  std::vector<double> gold, similarity;
  for (const StsPairs& pairs : sets) {
    const std::vector<double> own = cosines(pairs, vectors);
    results.push_back(correlate(pairs.dataset, pairs.gold, own));
    results.back().details = pairs.counts.left_out();
    gold.insert(gold.end(), pairs.gold.begin(), pairs.gold.end());
    similarity.insert(similarity.end(), own.begin(), own.end());
  }
  if (sets.size() > 1) {
    const EvalResult mean = mean_of(results);
    results.push_back(correlate("all", gold, similarity));
    results.push_back(mean);
  }
  return results;
}

}  // namespace expertoire
