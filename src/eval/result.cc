#include "eval/result.h"

#include <fmt/format.h>

#include <limits>

#include "io/gzip_lines.h"
#include "io/json.h"
#include "io/refuse.h"

namespace expertoire {

using nlohmann::json;

EvalScore EvalScore::of(double value, std::vector<double> replicates) {
  if (replicates.empty()) return {value};
  const Interval interval = interval_of(value, std::move(replicates));
  return {value, std::pair(interval.low, interval.high)};
}

EvalScore EvalScore::of(size_t n, const Statistic& statistic, const BootstrapOptions& options) {
  return of(statistic(each_item(n)), replicates(n, statistic, options));
}

EvalScore EvalScore::mean_of(const std::vector<double>& values, const BootstrapOptions& options) {
  const auto mean = [&](std::span<const uint32_t> items) {
    double sum = 0;
    for (const uint32_t item : items) sum += values[item];
    return sum / static_cast<double>(items.size());
  };
  return of(values.size(), mean, options);
}

json EvalResult::to_json() const {
  json out = details;
  out.update({{"task", task}, {"dataset", dataset}, {"system", system}, {"n", n}, {"main", main}});
  out["scores"] = json::array();
  for (const auto& [name, score] : scores) {
    out["scores"].push_back(name);
    out[name] = score.value;
    if (score.interval) out["intervals"][name] = {score.interval->first, score.interval->second};
  }
  if (!items.empty()) out["items"] = items;
  out["provenance"] = provenance;
  return out;
}

namespace {

// JSON has no NaN: null stands for it.
double number_from(const json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

std::optional<std::pair<double, double>> interval_from(const json& intervals,
                                                       const std::string& name) {
  if (!intervals.contains(name)) return std::nullopt;
  const json& ends = intervals.at(name);
  return std::pair(number_from(ends.at(0)), number_from(ends.at(1)));
}

EvalResult take_apart(json value) {
  EvalResult result;
  const auto take = [&](const char* key) {
    json part = value.at(key);
    value.erase(key);
    return part;
  };
  result.task = take("task").get<std::string>();
  result.dataset = take("dataset").get<std::string>();
  result.system = take("system").get<std::string>();
  result.main = take("main").get<std::string>();
  result.n = take("n").get<int64_t>();
  result.provenance = take("provenance").get<json::object_t>();
  if (value.contains("items")) result.items = take("items").get<json::object_t>();
  const json intervals = value.contains("intervals") ? take("intervals") : json::object();
  for (const json& name : take("scores")) {
    const auto key = name.get<std::string>();
    result.scores[key] = {number_from(take(key.c_str())), interval_from(intervals, key)};
  }
  result.details = std::move(value);
  return result;
}

}  // namespace

EvalResult EvalResult::from_json(const json& value, const std::string& what) {
  try {
    return take_apart(value);
  } catch (const json::exception&) {  // a key that is missing or of another type
    bad_file(what, in_short(value), "a result of `expertoire eval … --json`",
             "give what that command printed, unchanged");
  }
}

std::vector<EvalResult> read_results(const std::string& path) {
  GzipLines lines(path);
  std::vector<EvalResult> results;
  while (const auto line = lines.next()) {
    if (line->find_first_not_of(" \t\r\n") == std::string::npos) continue;
    const std::string what = fmt::format("{} line {}", path, lines.line());
    results.push_back(EvalResult::from_json(parse_json(*line, what), what));
  }
  if (results.empty()) {
    bad_file(path, "no results", "what `expertoire eval … --json` printed",
             "check that the run came to its end");
  }
  return results;
}

std::string system_label(const EvalResult& result) {
  std::string label = result.system;
  if (result.details.contains("kind") && result.details["kind"].is_string()) {
    label += fmt::format(" {}", result.details["kind"].get<std::string>());
  }
  if (result.details.contains("alpha") && result.details["alpha"].is_number()) {
    label += fmt::format(" {:g}", result.details["alpha"].get<double>());
  }
  if (result.details.contains("variant") && result.details["variant"].is_string()) {
    label += fmt::format(", {}", result.details["variant"].get<std::string>());
  }
  return label;
}

std::string dataset_name(const std::string& path) {
  std::string name = path.substr(path.find_last_of('/') + 1);
  for (const std::string_view ending : {".gz", ".jsonl", ".json"}) {
    if (name.ends_with(ending)) name.resize(name.size() - ending.size());
  }
  return name;
}

}  // namespace expertoire
