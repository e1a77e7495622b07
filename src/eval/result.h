// What an evaluation says of one data set, the same for all tasks.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "eval/bootstrap.h"

namespace expertoire {

/// A number and, where the task has one, its 95 % interval.
struct EvalScore {
  double value = 0;
  std::optional<std::pair<double, double>> interval = {};  ///< low, high

  /// The statistic of all n items, with its bootstrap interval unless options.resamples is 0.
  static EvalScore of(size_t n, const Statistic& statistic, const BootstrapOptions& options);
  /// The mean of one value an item, likewise.
  static EvalScore mean_of(const std::vector<double>& values, const BootstrapOptions& options);
  /// From replicates that are there already; none: no interval.
  static EvalScore of(double value, std::vector<double> replicates);
};

/// As JSON (docs/evaluation.md):
///   {"task": "sts", "dataset": "STS12", "system": "model", "n": 3108, "main": "spearman",
///    "scores": ["pearson", "spearman"], "spearman": 0.4, "pearson": 0.4, "intervals": {"spearman":
///    [0.37, 0.43], …}, …details, "items": {…}, "provenance": {…}}
struct EvalResult {
  std::string task = {};
  std::string dataset = {};      ///< the file's name without folder and endings
  std::string system = "model";  ///< what was measured: the model, or the name of a control
  int64_t n = 0;                 ///< rows that the scores are of
  std::string main = {};         ///< the key of `scores` that the field reports
  std::map<std::string, EvalScore> scores = {};       ///< fractions where the field has percentages
  nlohmann::json details = nlohmann::json::object();  ///< keys of this task: counts, settings
  /// Values of every row, equally long lists by name, from which `eval compare` pairs two runs.
  nlohmann::json items = nlohmann::json::object();
  nlohmann::json provenance = nlohmann::json::object();  ///< model, data and code

  nlohmann::json to_json() const;
  /// What to_json() wrote. Errors: kBadFile naming `what`.
  static EvalResult from_json(const nlohmann::json& value, const std::string& what);
};

/// The results that a file holds, one JSON object a line. Errors: kNotFound, kIo, kBadFile.
std::vector<EvalResult> read_results(const std::string& path);

/// "model sum 0.5, mean token", "random_weights hidden", "tfidf": the system, its kind, its alpha
/// and which variant of it a study looks at.
std::string system_label(const EvalResult& result);

/// "STS12" of "a/STS12.jsonl.gz".
std::string dataset_name(const std::string& path);

}  // namespace expertoire
