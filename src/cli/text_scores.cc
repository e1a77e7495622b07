#include "cli/text_scores.h"

#include <fmt/format.h>

#include "io/json.h"
#include "io/text_source.h"

namespace expertoire::cli {

using nlohmann::json;

std::vector<TextScore> score_file(const LoadedModel& loaded, const std::string& path,
                                  const std::string& field, const WindowOptions& windows) {
  const Tokenizer tokenizer = loaded.tokenizer();
  std::vector<TextScore> scores;
  const auto score = [&](const std::string& text) {
    ProgressBar bar("tokens");
    scores.push_back(
        score_text(*loaded.session, tokenizer, text, windows, [&](int64_t done, int64_t total) {
          interrupt_token().check("scoring");
          bar.update(done, static_cast<double>(done) / static_cast<double>(total));
        }));
  };
  if (names_json_lines(path)) {
    TextSource texts(path, field);
    while (const auto text = texts.next()) score(*text);
  } else {
    score(read_text_file(path));
  }
  return scores;
}

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
