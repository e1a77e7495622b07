#include "eval/pairs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
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
  bool summed;  // by the paper's code; of the other it takes the hidden states' alone
};
constexpr std::array kMeasures = {Measure{"cosine", cosine, true}, Measure{"dot", dot, false},
                                  Measure{"euclidean", euclidean, true},
                                  Measure{"manhattan", manhattan, true}};

// What a label says; anything but 0 and 1 is no pair's label.
uint8_t positive_label(const DataRow& row, const std::string& label) {
  if (label == "1" || label == "true") return 1;
  if (label == "0" || label == "false") return 0;
  row.refuse("label is " + in_quotes(label), "1 for a pair that belongs together, else 0");
}

// A pair, or lists of pairs (MTEB's first form).
void read_pairs(const DataRow& row, LabelledPairs& pairs, TextTable& texts) {
  const auto labels = row.labels("label");
  const auto first = row.texts("sentence1"), second = row.texts("sentence2");
  if (first.size() != labels.size() || second.size() != labels.size()) {
    row.refuse(
        fmt::format("{} and {} sentences, {} labels", first.size(), second.size(), labels.size()),
        "as many of each");
  }
  std::vector<uint8_t> positive;
  for (const std::string& label : labels) positive.push_back(positive_label(row, label));
  for (size_t i = 0; i < labels.size(); ++i) {
    pairs.positive.push_back(positive[i]);
    pairs.first.push_back(texts.add(first[i]));
    pairs.second.push_back(texts.add(second[i]));
  }
}

// How alike two texts are by a measure.
using Likeness = std::function<double(const Measure& measure, size_t a, size_t b)>;

EvalResult result_of(const LabelledPairs& pairs, const Likeness& likeness,
                     const BootstrapOptions& bootstrap) {
  EvalResult result{.task = "pairs", .dataset = pairs.dataset, .main = "ap"};
  result.n = static_cast<int64_t>(pairs.positive.size());
  result.details = pairs.counts.left_out();
  result.items["positive"] = pairs.positive;
  std::vector<RankedPairs> ranked;
  for (const Measure& measure : kMeasures) {
    std::vector<double> similarity;
    for (size_t i = 0; i < pairs.positive.size(); ++i) {
      similarity.push_back(likeness(measure, pairs.first[i], pairs.second[i]));
    }
    ranked.emplace_back(similarity, pairs.positive);
    const PairScores own = ranked.back().score();
    for (const auto& [name, metric] : kPairMetrics) {
      result.details[std::string(measure.name) + "_" + name] = own.*metric;
    }
    result.items[measure.name] = std::move(similarity);
  }
  std::map<std::string, std::vector<double>> draws;
  const auto draw = [&](std::span<const uint32_t> items) {
    const PairScores best = largest_scores(ranked, items);
    for (const auto& [name, metric] : kPairMetrics) draws[name].push_back(best.*metric);
    return 0.0;
  };
  replicates(pairs.positive.size(), draw, bootstrap);
  const PairScores best = largest_scores(ranked, each_item(pairs.positive.size()));
  for (const auto& [name, metric] : kPairMetrics) {
    result.scores[name] = EvalScore::of(best.*metric, draws[name]);
  }
  return result;
}

}  // namespace

LabelledPairs LabelledPairs::read(const std::string& path, const RowOptions& options,
                                  TextTable& texts) {
  LabelledPairs pairs;
  pairs.dataset = dataset_name(path);
  pairs.counts =
      read_rows(path, options, [&](const DataRow& row) { read_pairs(row, pairs, texts); });
  const auto positives = std::count(pairs.positive.begin(), pairs.positive.end(), 1);
  if (positives == 0 || static_cast<size_t>(positives) == pairs.positive.size()) {
    bad_file(path, "one label only", "pairs with label 1 and pairs with label 0",
             "check that it is the whole file, and name the field with --label-field");
  }
  return pairs;
}

EvalResult score_pairs(const LabelledPairs& pairs, const TextVectors& vectors,
                       const BootstrapOptions& bootstrap) {
  const auto likeness = [&](const Measure& measure, size_t a, size_t b) {
    return measure.of(vectors.row(a), vectors.row(b));
  };
  return result_of(pairs, likeness, bootstrap);
}

EvalResult score_pairs(const LabelledPairs& pairs, const SumParts& parts,
                       const BootstrapOptions& bootstrap) {
  const auto likeness = [&](const Measure& measure, size_t a, size_t b) {
    const double hidden = measure.of(parts.hidden.row(a), parts.hidden.row(b));
    if (!measure.summed) return hidden;
    return hidden + parts.weight * measure.of(parts.routing.row(a), parts.routing.row(b));
  };
  EvalResult result = result_of(pairs, likeness, bootstrap);
  result.details["rules"] = "paper";
  return result;
}

}  // namespace expertoire
