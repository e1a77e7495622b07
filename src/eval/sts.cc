#include "eval/sts.h"

#include <algorithm>
#include <functional>
#include <map>

#include "eval/correlation.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

// How alike two texts are.
using Likeness = std::function<double(size_t a, size_t b)>;

std::vector<double> similarities(const StsPairs& pairs, const Likeness& likeness) {
  std::vector<double> all;
  for (size_t i = 0; i < pairs.gold.size(); ++i) {
    all.push_back(likeness(pairs.first[i], pairs.second[i]));
  }
  return all;
}

constexpr const char* kScores[] = {"pearson", "spearman"};

// A data set's scores, and the replicates behind their intervals.
struct Correlated {
  EvalResult result;
  std::map<std::string, std::vector<double>> replicates = {};
};

Correlated correlate(const std::string& dataset, const std::vector<double>& gold,
                     const std::vector<double>& similarity, const BootstrapOptions& bootstrap) {
  Correlated out{.result = {.task = "sts", .dataset = dataset, .main = "spearman"}};
  const PairedValues pairs(gold, similarity);
  const std::map<std::string, Statistic> statistics = {
      {"pearson", [&](std::span<const uint32_t> items) { return pairs.pearson(items); }},
      {"spearman", [&](std::span<const uint32_t> items) { return pairs.spearman(items); }}};
  for (const auto& [name, statistic] : statistics) {
    out.replicates[name] = replicates(gold.size(), statistic, bootstrap);
    out.result.scores[name] =
        EvalScore::of(statistic(each_item(gold.size())), out.replicates[name]);
  }
  out.result.n = static_cast<int64_t>(gold.size());
  out.result.items = {{"gold", gold}, {"similarity", similarity}};
  return out;
}

// Data sets are resampled each by itself.
EvalResult mean_of(const std::vector<Correlated>& sets) {
  EvalResult mean{.task = "sts", .dataset = "mean", .main = "spearman"};
  const auto count = static_cast<double>(sets.size());
  for (const std::string name : kScores) {
    double value = 0;
    std::vector<double> all(sets.front().replicates.at(name).size());
    for (const Correlated& set : sets) {
      value += set.result.scores.at(name).value / count;
      for (size_t i = 0; i < all.size(); ++i) all[i] += set.replicates.at(name)[i] / count;
    }
    mean.scores[name] = EvalScore::of(value, all);
  }
  for (const Correlated& set : sets) mean.n += set.result.n;
  return mean;
}

std::vector<EvalResult> results_of(const std::vector<StsPairs>& sets, const Likeness& likeness,
                                   const BootstrapOptions& bootstrap) {
  std::vector<Correlated> correlated;
  std::vector<double> gold, similarity;
  for (const StsPairs& pairs : sets) {
    const std::vector<double> own = similarities(pairs, likeness);
    // another seed for each: otherwise equally large sets would be resampled alike
    BootstrapOptions options = bootstrap;
    options.seed += correlated.size();
    correlated.push_back(correlate(pairs.dataset, pairs.gold, own, options));
    correlated.back().result.details = pairs.counts.left_out();
    gold.insert(gold.end(), pairs.gold.begin(), pairs.gold.end());
    similarity.insert(similarity.end(), own.begin(), own.end());
  }
  std::vector<EvalResult> results;
  for (const Correlated& one : correlated) results.push_back(one.result);
  if (sets.size() > 1) {
    results.push_back(correlate("all", gold, similarity, bootstrap).result);
    results.push_back(mean_of(correlated));
  }
  return results;
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

std::vector<EvalResult> score_sts(const std::vector<StsPairs>& sets, const TextVectors& vectors,
                                  const BootstrapOptions& bootstrap) {
  const auto likeness = [&](size_t a, size_t b) { return cosine(vectors.row(a), vectors.row(b)); };
  return results_of(sets, likeness, bootstrap);
}

std::vector<EvalResult> score_sts(const std::vector<StsPairs>& sets, const SumParts& parts,
                                  const BootstrapOptions& bootstrap) {
  const auto likeness = [&](size_t a, size_t b) { return summed_cosine(parts, a, b); };
  std::vector<EvalResult> results = results_of(sets, likeness, bootstrap);
  for (EvalResult& result : results) {
    result.scores.erase("pearson");
    result.details["rules"] = "paper";
  }
  return results;
}

}  // namespace expertoire
