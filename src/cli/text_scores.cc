#include "cli/text_scores.h"

#include <fmt/format.h>

namespace expertoire::cli {

using nlohmann::json;

json score_values(const EvalResult& result) {
  json all = json::object();
  for (const auto& [name, score] : result.scores) {
    all[name] = {{"value", score.value}};
    if (score.interval) all[name]["interval"] = {score.interval->first, score.interval->second};
  }
  return all;
}

std::string shown_score(const json& score, const char* format) {
  const auto number = [&](const json& value) {
    return fmt::format(fmt::runtime(format), value.get<double>());
  };
  if (!score.contains("interval")) return number(score["value"]);
  return fmt::format("{} [{}, {}]", number(score["value"]), number(score["interval"][0]),
                     number(score["interval"][1]));
}

}  // namespace expertoire::cli
