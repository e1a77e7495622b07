#include "eval/compare.h"

#include <map>

#include "base/error.h"
#include "eval/row_statistic.h"

namespace expertoire {
namespace {

using nlohmann::json;

std::optional<Interval> difference_of(const EvalResult& a, const EvalResult& b,
                                      const std::string& score,
                                      const BootstrapOptions& bootstrap_options) {
  const auto of_a = row_statistic(a, score), of_b = row_statistic(b, score);
  if (!of_a || !of_b) return std::nullopt;
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
  if (of_a->rows < 2) return std::nullopt;  // one row says nothing of others
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

EvalResult paired_result(const EvalResult& before, const EvalResult& after,
                         const BootstrapOptions& options) {
  EvalResult result;
  result.task = after.task;
  result.dataset = after.dataset;
  result.system = after.system + " - " + before.system;
  result.n = after.n;
  result.main = after.main;
  for (const auto& [name, score] : after.scores) {
    EvalScore& difference = result.scores[name];
    difference.value = score.value - before.scores.at(name).value;
    if (options.resamples == 0) continue;
    if (const auto ends = difference_of(before, after, name, options)) {
      difference.interval = std::pair(ends->low, ends->high);
    }
  }
  return result;
}

}  // namespace expertoire
