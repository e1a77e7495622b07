#include "eval/result.h"

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
  for (const auto& [name, score] : scores) {
    out[name] = score.value;
    if (score.interval) out["intervals"][name] = {score.interval->first, score.interval->second};
  }
  if (!items.empty()) out["items"] = items;
  out["provenance"] = provenance;
  return out;
}

std::string dataset_name(const std::string& path) {
  std::string name = path.substr(path.find_last_of('/') + 1);
  for (const std::string_view ending : {".gz", ".jsonl", ".json"}) {
    if (name.ends_with(ending)) name.resize(name.size() - ending.size());
  }
  return name;
}

}  // namespace expertoire
