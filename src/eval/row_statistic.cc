#include "eval/row_statistic.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.h"
#include "eval/class_scores.h"
#include "eval/correlation.h"
#include "eval/pair_scores.h"
#include "eval/perplexity.h"

namespace expertoire {
namespace {

using nlohmann::json;
using Values = std::vector<double>;

[[noreturn]] void bad_items(const std::string& name) {
  throw Error(ErrorCode::kBadFile,
              {"comparing results", "items that are not numbers, or not one for each row: " + name,
               "what `expertoire eval … --items --json` printed", ""});
}

template <class T>
T items_as(const EvalResult& result, const std::string& name) {
  try {
    return result.items.at(name).get<T>();
  } catch (const json::exception&) {
    bad_items(name);
  }
}

double sum_of(const Values& values, std::span<const uint32_t> items) {
  double sum = 0;
  for (const uint32_t item : items) sum += values[item];
  return sum;
}

RowStatistic mean_statistic(Values values) {
  const size_t rows = values.size();
  return {rows, [values = std::move(values)](std::span<const uint32_t> items) {
            return sum_of(values, items) / static_cast<double>(items.size());
          }};
}

// Macro F1 of `predicted` (for each row, the classes by several experiments) against `class`.
std::optional<RowStatistic> f1_statistic(const EvalResult& result) {
  if (!result.items.contains("class") || !result.items.contains("predicted")) return std::nullopt;
  const auto truth = items_as<std::vector<uint32_t>>(result, "class");
  const auto rows = items_as<std::vector<std::vector<uint32_t>>>(result, "predicted");
  std::map<uint32_t, uint32_t> classes;  // numbered anew: a file may hold any
  const auto number = [&](uint32_t one) {
    return classes.emplace(one, static_cast<uint32_t>(classes.size())).first->second;
  };
  std::vector<uint32_t> numbers;
  std::vector<std::vector<uint32_t>> predictions(rows.empty() ? 0 : rows.front().size());
  for (size_t row = 0; row < rows.size(); ++row) {
    if (rows.size() != truth.size() || rows[row].size() != predictions.size()) bad_items("f1");
    numbers.push_back(number(truth[row]));
    for (size_t i = 0; i < predictions.size(); ++i) predictions[i].push_back(number(rows[row][i]));
  }
  const auto count = static_cast<uint32_t>(classes.size());
  return RowStatistic{numbers.size(), [=](std::span<const uint32_t> items) {
                        return mean_macro_f1(numbers, predictions, items, count);
                      }};
}

// The largest of a metric over the measures, of which `items` hold every pair's likeness.
std::optional<RowStatistic> pair_statistic(const EvalResult& result, const std::string& score) {
  if (!result.items.contains("positive")) return std::nullopt;
  for (const auto& [name, metric] : kPairMetrics) {
    if (name != score) continue;
    const auto positive = items_as<std::vector<uint8_t>>(result, "positive");
    std::vector<RankedPairs> measures;
    for (const auto& [measure, values] : result.items.items()) {
      if (measure == "positive") continue;
      const auto likeness = items_as<Values>(result, measure);
      if (likeness.size() != positive.size()) bad_items(measure);
      measures.emplace_back(likeness, positive);
    }
    return RowStatistic{positive.size(),
                        [measures, metric = metric](std::span<const uint32_t> items) {
                          return largest_scores(measures, items).*metric;
                        }};
  }
  return std::nullopt;
}

std::optional<RowStatistic> correlation_statistic(const EvalResult& result,
                                                  const std::string& score) {
  if (!result.items.contains("gold") || !result.items.contains("similarity")) return std::nullopt;
  auto gold = items_as<Values>(result, "gold"), similarity = items_as<Values>(result, "similarity");
  if (gold.size() != similarity.size()) bad_items("similarity");
  const size_t rows = gold.size();
  const auto pairs = std::make_shared<PairedValues>(std::move(gold), std::move(similarity));
  if (score == "spearman")
    return RowStatistic{rows, [pairs](auto items) { return pairs->spearman(items); }};
  if (score == "pearson")
    return RowStatistic{rows, [pairs](auto items) { return pairs->pearson(items); }};
  return std::nullopt;
}

// exp of the mean −log p of what was to be predicted: of words (lambada).
std::optional<RowStatistic> target_perplexity_statistic(const EvalResult& result,
                                                        const std::string& score) {
  if (score != "perplexity" || !result.items.contains("log_prob")) return std::nullopt;
  const auto values = items_as<Values>(result, "log_prob");
  return RowStatistic{values.size(), [values](std::span<const uint32_t> items) {
                        return std::exp(-sum_of(values, items) / static_cast<double>(items.size()));
                      }};
}

// Tokens or bytes of each document. One of 2^32 would be no document, and a sum of such overflows.
std::vector<int64_t> counts_of(const EvalResult& result, const std::string& name) {
  std::vector<int64_t> counts;
  for (const double count : items_as<Values>(result, name)) {
    if (!(count >= 0 && count < 4294967296.0)) bad_items(name);
    counts.push_back(static_cast<int64_t>(count));
  }
  return counts;
}

// Of documents, from the items of perplexity_result().
std::optional<RowStatistic> document_statistic(const EvalResult& result, const std::string& score) {
  const auto* measure = std::find_if(std::begin(kTextMeasures), std::end(kTextMeasures),
                                     [&](const TextMeasure& one) { return one.name == score; });
  if (measure == std::end(kTextMeasures)) return std::nullopt;
  for (const char* needed : {"nats", "scored_tokens", "scored_bytes"}) {
    if (!result.items.contains(needed)) return std::nullopt;
  }
  const auto nats = items_as<Values>(result, "nats");
  const auto tokens = counts_of(result, "scored_tokens"), bytes = counts_of(result, "scored_bytes");
  if (nats.size() != tokens.size()) bad_items("scored_tokens");
  if (nats.size() != bytes.size()) bad_items("scored_bytes");
  std::vector<TextScore> documents(nats.size());
  for (size_t i = 0; i < nats.size(); ++i) {
    documents[i].nats = nats[i];
    documents[i].scored = tokens[i];
    documents[i].scored_bytes = bytes[i];
  }
  return RowStatistic{documents.size(),
                      [documents = std::move(documents), of = measure->of](auto items) {
                        return (sum_of(documents, items).*of)();
                      }};
}

}  // namespace

std::optional<RowStatistic> row_statistic(const EvalResult& result, const std::string& score) {
  if (result.details.value("sampled", false)) return std::nullopt;  // overlapping samples of a file
  if (result.items.contains(score)) return mean_statistic(items_as<Values>(result, score));
  if (auto statistic = pair_statistic(result, score)) return statistic;
  if (score == "f1") return f1_statistic(result);
  if (auto statistic = target_perplexity_statistic(result, score)) return statistic;
  if (auto statistic = document_statistic(result, score)) return statistic;
  return correlation_statistic(result, score);
}

}  // namespace expertoire
