#include "eval/result.h"

namespace expertoire {

using nlohmann::json;

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
