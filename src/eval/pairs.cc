#include "eval/pairs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "eval/pair_scores.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

using Vector = std::span<const float>;

double dot(Vector a, Vector b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * b[i];
  return sum;
}

// Distances are negative: larger is more alike.
double euclidean(Vector a, Vector b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
  return -std::sqrt(sum);
}

double manhattan(Vector a, Vector b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::abs(double{a[i]} - b[i]);
  return -sum;
}

struct Measure {
  const char* name;
  double (*of)(Vector, Vector);
};
constexpr std::array kMeasures = {Measure{"cosine", cosine}, Measure{"dot", dot},
                                  Measure{"euclidean", euclidean}, Measure{"manhattan", manhattan}};

// What a row's label says; anything but 0 and 1 is no pair's label.
uint8_t positive_label(const DataRow& row) {
  const std::string label = row.label("label");
  if (label == "1" || label == "true") return 1;
  if (label == "0" || label == "false") return 0;
  row.refuse("label is " + in_quotes(label), "1 for a pair that belongs together, else 0");
}

const std::pair<const char*, double PairScores::*> kMetrics[] = {
    {"ap", &PairScores::ap}, {"accuracy", &PairScores::accuracy}, {"f1", &PairScores::f1}};

std::vector<double> similarities(const LabelledPairs& pairs, const TextVectors& vectors,
                                 const Measure& measure) {
  std::vector<double> all;
  for (size_t i = 0; i < pairs.positive.size(); ++i) {
    all.push_back(measure.of(vectors.row(pairs.first[i]), vectors.row(pairs.second[i])));
  }
  return all;
}

// The largest of each metric over the measures, of the pairs `items`.
PairScores largest(const std::vector<RankedPairs>& ranked, std::span<const uint32_t> items) {
  PairScores best;
  for (const RankedPairs& one : ranked) {
    const PairScores own = one.score(items);
    if (std::isnan(own.ap)) return own;  // no positive pair was drawn
    for (const auto& [name, metric] : kMetrics) best.*metric = std::max(best.*metric, own.*metric);
  }
  return best;
}

}  // namespace

LabelledPairs LabelledPairs::read(const std::string& path, const RowOptions& options,
                                  TextTable& texts) {
  LabelledPairs pairs;
  pairs.dataset = dataset_name(path);
  pairs.counts = read_rows(path, options, [&](const DataRow& row) {
    const uint8_t positive = positive_label(row);
    const std::string one = row.text("sentence1"), two = row.text("sentence2");
    pairs.positive.push_back(positive);
    pairs.first.push_back(texts.add(one));
    pairs.second.push_back(texts.add(two));
  });
  const auto positives = std::count(pairs.positive.begin(), pairs.positive.end(), 1);
  if (positives == 0 || static_cast<size_t>(positives) == pairs.positive.size()) {
    bad_file(path, "one label only", "pairs with label 1 and pairs with label 0",
             "check that it is the whole file, and name the field with --label-field");
  }
  return pairs;
}

EvalResult score_pairs(const LabelledPairs& pairs, const TextVectors& vectors,
                       const BootstrapOptions& bootstrap) {
  EvalResult result{.task = "pairs", .dataset = pairs.dataset, .main = "ap"};
  result.n = static_cast<int64_t>(pairs.positive.size());
  result.details = pairs.counts.left_out();
  result.items["positive"] = pairs.positive;
  std::vector<RankedPairs> ranked;
  for (const Measure& measure : kMeasures) {
    std::vector<double> similarity = similarities(pairs, vectors, measure);
    ranked.emplace_back(similarity, pairs.positive);
    const PairScores own = ranked.back().score();
    const std::string name = measure.name;
    result.details.update(
        {{name + "_ap", own.ap}, {name + "_accuracy", own.accuracy}, {name + "_f1", own.f1}});
    result.items[name] = std::move(similarity);
  }
  std::map<std::string, std::vector<double>> draws;
  replicates(
      pairs.positive.size(),
      [&](std::span<const uint32_t> items) {
        const PairScores best = largest(ranked, items);
        for (const auto& [name, metric] : kMetrics) draws[name].push_back(best.*metric);
        return 0.0;
      },
      bootstrap);
  const PairScores best = largest(ranked, each_item(pairs.positive.size()));
  for (const auto& [name, metric] : kMetrics) {
    result.scores[name] = EvalScore::of(best.*metric, draws[name]);
  }
  return result;
}

}  // namespace expertoire
