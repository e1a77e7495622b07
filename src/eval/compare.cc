#include "eval/compare.h"

#include <map>
#include <memory>

#include "base/error.h"
#include "eval/class_scores.h"
#include "eval/correlation.h"
#include "eval/pair_scores.h"

namespace expertoire {
namespace {

using nlohmann::json;
using Values = std::vector<double>;

// A score as a function of rows.
struct RowStatistic {
  size_t rows = 0;
  Statistic of;
};

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

RowStatistic mean_statistic(Values values) {
  const size_t rows = values.size();
  return {rows, [values = std::move(values)](std::span<const uint32_t> items) {
            double sum = 0;
            for (const uint32_t item : items) sum += values[item];
            return sum / static_cast<double>(items.size());
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

std::optional<RowStatistic> statistic_of(const EvalResult& result, const std::string& score) {
  if (result.details.value("sampled", false)) return std::nullopt;  // overlapping samples of a file
  if (result.items.contains(score)) return mean_statistic(items_as<Values>(result, score));
  if (auto statistic = pair_statistic(result, score)) return statistic;
  if (score == "f1") return f1_statistic(result);
  return correlation_statistic(result, score);
}

std::optional<Interval> difference_of(const EvalResult& a, const EvalResult& b,
                                      const std::string& score,
                                      const BootstrapOptions& bootstrap_options) {
  const auto of_a = statistic_of(a, score), of_b = statistic_of(b, score);
  if (!of_a || !of_b || of_a->rows == 0) return std::nullopt;
  if (of_a->rows != of_b->rows) {
    throw Error(ErrorCode::kInvalidArgument,
                {"comparing " + a.dataset,
                 std::to_string(of_a->rows) + " and " + std::to_string(of_b->rows) + " rows",
                 "two runs on the same rows", "run both on the same file with the same options"});
  }
  for (const char* fixed : {"gold", "positive", "class"}) {
    if (a.items.value(fixed, json()) == b.items.value(fixed, json())) continue;
    throw Error(ErrorCode::kInvalidArgument,
                {"comparing " + a.dataset, "rows whose " + std::string(fixed) + " differs",
                 "two runs on the same rows", "run both on the same file with the same options"});
  }
  return bootstrap(
      of_a->rows,
      [&](std::span<const uint32_t> items) { return of_b->of(items) - of_a->of(items); },
      bootstrap_options);
}

json data_hashes(const EvalResult& result) {
  json hashes = json::array();
  for (const json& file : result.provenance.value("data", json::array())) {
    if (file.is_object()) hashes.push_back(file.value("hash", json()));
  }
  return hashes;
}

using Key = std::pair<std::string, std::string>;  // task, data set
using Grouped = std::map<Key, std::vector<const EvalResult*>>;

Grouped grouped(const std::vector<EvalResult>& results) {
  Grouped groups;
  for (const EvalResult& result : results) {
    groups[{result.task, result.dataset}].push_back(&result);
  }
  return groups;
}

void check_alike(const std::vector<const EvalResult*>& a, const std::vector<const EvalResult*>& b) {
  const std::string operation = "comparing " + a.front()->dataset;
  if (a.size() != b.size()) {
    throw Error(
        ErrorCode::kInvalidArgument,
        {operation, std::to_string(a.size()) + " and " + std::to_string(b.size()) + " results",
         "as many in both files", "run both with as many kinds and controls"});
  }
  if (data_hashes(*a.front()) != data_hashes(*b.front())) {
    throw Error(ErrorCode::kInvalidArgument,
                {operation, "runs on files of other content", "the same files in both runs", ""});
  }
}

void compare_pair(const EvalResult& a, const EvalResult& b, const BootstrapOptions& bootstrap,
                  std::vector<Comparison>& all) {
  for (const auto& [name, score] : a.scores) {
    const auto other = b.scores.find(name);
    if (other == b.scores.end()) continue;
    all.push_back({a.task, a.dataset, name, system_label(a), system_label(b), score.value,
                   other->second.value, difference_of(a, b, name, bootstrap)});
  }
}

}  // namespace

std::optional<std::string> Comparison::verdict() const {
  if (!difference) return std::nullopt;
  if (difference->low > 0) return "higher";
  if (difference->high < 0) return "lower";
  return std::nullopt;
}

json Comparison::to_json() const {
  json out = {
      {"task", task}, {"dataset", dataset},   {"score", score},       {"a", a},
      {"b", b},       {"a_system", a_system}, {"b_system", b_system}, {"difference", b - a}};
  if (difference) out["interval"] = {difference->low, difference->high};
  out["verdict"] = verdict() ? json(*verdict()) : json(nullptr);
  return out;
}

std::vector<Comparison> compare_results(const std::vector<EvalResult>& a,
                                        const std::vector<EvalResult>& b,
                                        const BootstrapOptions& bootstrap) {
  std::vector<Comparison> all;
  const Grouped of_b = grouped(b);
  for (const auto& [key, results] : grouped(a)) {
    const auto others = of_b.find(key);
    if (others == of_b.end()) continue;
    check_alike(results, others->second);
    for (size_t i = 0; i < results.size(); ++i) {
      compare_pair(*results[i], *others->second[i], bootstrap, all);
    }
  }
  if (all.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                {"comparing results", "no task and data set that both files have",
                 "two runs of one task on the same data", ""});
  }
  return all;
}

}  // namespace expertoire
