#include "eval/clustering.h"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <set>

#include "eval/cluster_agreement.h"
#include "eval/mean.h"
#include "eval/mini_batch_kmeans.h"
#include "eval/random_state.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

constexpr size_t kBatch = 500;  // mteb's ClusteringEvaluator

struct Labelled {
  std::vector<std::string> texts;
  std::vector<std::string> labels;
};

ClusterSplit make_split(const Labelled& from, std::span<const size_t> items, uint32_t seed,
                        TextTable& texts) {
  ClusterSplit split;
  split.seed = seed;
  std::map<std::string, uint32_t> numbers;
  for (const size_t item : items) {
    const auto next = static_cast<uint32_t>(numbers.size());
    split.rows.push_back(texts.add(from.texts[item]));
    split.classes.push_back(numbers.emplace(from.labels[item], next).first->second);
  }
  split.labels = numbers.size();
  return split;
}

std::vector<size_t> counting(size_t count) {
  std::vector<size_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

ClusterSplit read_split(const DataRow& row, uint32_t seed, TextTable& texts) {
  const Labelled all{row.texts("sentences"), row.labels("labels")};
  if (all.texts.size() != all.labels.size()) {
    row.refuse(std::to_string(all.texts.size()) + " sentences and " +
                   std::to_string(all.labels.size()) + " labels",
               "a label for each sentence");
  }
  ClusterSplit split = make_split(all, counting(all.texts.size()), seed, texts);
  if (split.labels < 2) row.refuse("one label only", "sentences of two labels or more");
  return split;
}

void draw_splits(const Labelled& all, const ClusteringOptions& options, const std::string& path,
                 TextTable& texts, ClusteringSet& set) {
  const size_t size = options.sample == 0
                          ? all.texts.size()
                          : std::min(all.texts.size(), static_cast<size_t>(options.sample));
  for (int i = 0; i < options.experiments; ++i) {
    const uint32_t seed = options.seed + static_cast<uint32_t>(i);
    std::vector<size_t> order = counting(all.texts.size());
    RandomState(seed).shuffle(std::span(order));
    set.splits.push_back(make_split(all, std::span(order).first(size), seed, texts));
    if (set.splits.back().labels < 2) {
      bad_file(path, "one label only in what an experiment draws", "texts of two labels or more",
               "check that it is the whole file, and name the field with --label-field");
    }
  }
}

// Numbers equal values alike.
std::vector<uint32_t> numbered(const std::vector<double>& values) {
  std::map<double, uint32_t> numbers;
  std::vector<uint32_t> all;
  for (const double value : values) {
    const auto next = static_cast<uint32_t>(numbers.size());
    all.push_back(numbers.emplace(value, next).first->second);
  }
  return all;
}

std::vector<uint32_t> average_clusters(const ClusterSplit& split, const SumParts& parts) {
  RandomState random(split.seed);
  std::vector<std::vector<int64_t>> numbers;
  for (const TextVectors* vectors : {&parts.hidden, &parts.routing}) {
    const auto clusters = mini_batch_kmeans(*vectors, split.rows,
                                            {.clusters = split.labels, .batch = kBatch}, random);
    numbers.emplace_back(clusters.begin(), clusters.end());
  }
  return numbered(averaged_numbers(numbers[0], numbers[1], parts.weight));
}

// `clusters`: those of a split's texts.
EvalResult result_of(
    const ClusteringSet& set,
    const std::function<std::vector<uint32_t>(const ClusterSplit& split)>& clusters,
    const BootstrapOptions& bootstrap, const ProgressSink& progress) {
  std::vector<double> scores;
  int64_t texts = 0;
  for (const ClusterSplit& split : set.splits) {
    scores.push_back(v_measure(split.classes, clusters(split)));
    texts += static_cast<int64_t>(split.rows.size());
    if (!progress) continue;
    progress(static_cast<int64_t>(scores.size()), static_cast<int64_t>(set.splits.size()));
  }
  EvalResult result{.task = "clustering", .dataset = set.dataset, .main = "v_measure"};
  result.n = set.sampled ? set.counts.used : texts;
  // Samples of one file overlap: resampling them would not say how far other texts would move it.
  result.scores = {{"v_measure", set.sampled ? EvalScore{mean_of(scores)}
                                             : EvalScore::mean_of(scores, bootstrap)}};
  result.details = set.counts.left_out();
  result.details.update(
      {{"splits", scores.size()}, {"sampled", set.sampled}, {"v_measure_std", spread_of(scores)}});
  result.items = {{"v_measure", scores}};
  return result;
}

}  // namespace

double v_measure(const std::vector<uint32_t>& classes, const std::vector<uint32_t>& clusters) {
  return Contingency(classes, clusters).normalized_information();
}

ClusteringSet ClusteringSet::read(const std::string& path, const RowOptions& rows,
                                  const ClusteringOptions& options, TextTable& texts) {
  ClusteringSet set;
  set.dataset = dataset_name(path);
  Labelled all;
  set.counts = read_rows(path, rows, [&](const DataRow& row) {
    if (row.has("sentences")) {
      set.splits.push_back(read_split(row, options.seed, texts));
      return;
    }
    const std::string text = row.text("text");
    all.labels.push_back(row.label("label"));
    all.texts.push_back(text);
  });
  set.sampled = set.splits.empty();
  if (!set.sampled && !all.texts.empty()) {
    bad_file(path, "rows with sentences and rows with a text", "rows of one form");
  }
  if (set.sampled) draw_splits(all, options, path, texts, set);
  return set;
}

EvalResult score_clustering(const ClusteringSet& set, const TextVectors& vectors,
                            const BootstrapOptions& bootstrap, const ProgressSink& progress) {
  const auto clusters = [&](const ClusterSplit& split) {
    return mini_batch_kmeans(vectors, split.rows,
                             {.clusters = split.labels, .batch = kBatch, .seed = split.seed});
  };
  return result_of(set, clusters, bootstrap, progress);
}

EvalResult score_clustering(const ClusteringSet& set, const SumParts& parts,
                            const BootstrapOptions& bootstrap, const ProgressSink& progress) {
  const auto clusters = [&](const ClusterSplit& split) { return average_clusters(split, parts); };
  EvalResult result = result_of(set, clusters, bootstrap, progress);
  result.details["rules"] = "paper";
  return result;
}

}  // namespace expertoire
