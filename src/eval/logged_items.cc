#include "eval/logged_items.h"

#include "io/json.h"
#include "io/refuse.h"

namespace expertoire {

using nlohmann::json;

namespace {

[[noreturn]] void bad_line(const ItemLog& log, const json& line) {
  bad_file(log.partial(), in_short(line), "the scores of the next item",
           "run without --resume to start over");
}

std::vector<RequestScore> scores_of(const json& line) {
  const auto log_probs = line.at("log_probs").get<std::vector<double>>();
  const auto greedy = line.at("greedy").get<std::vector<bool>>();
  std::vector<RequestScore> scores;
  for (size_t i = 0; i < log_probs.size(); ++i) {
    scores.push_back({log_probs[i], static_cast<bool>(greedy.at(i))});
  }
  return scores;
}

}  // namespace

json item_line(const std::string& system, const std::string& data, size_t item,
               const std::vector<RequestScore>& scores) {
  json line = {{"data", data}, {"system", system}, {"item", item}};
  for (const RequestScore& score : scores) {
    line["log_probs"].push_back(score.log_prob);
    line["greedy"].push_back(score.greedy);
  }
  return line;
}

std::vector<std::vector<RequestScore>> logged_items(const ItemLog& log, const std::string& system,
                                                    const std::string& data) {
  std::vector<std::vector<RequestScore>> all;
  for (const json& line : log.lines()) {
    try {
      if (line.at("system") != system || line.at("data") != data) continue;
      const auto item = line.at("item").get<size_t>();
      if (item < all.size()) continue;  // the same file twice in one run
      if (item > all.size()) bad_line(log, line);
      all.push_back(scores_of(line));
    } catch (const json::exception&) {  // a key that is missing or of another type
      bad_line(log, line);
    } catch (const std::out_of_range&) {  // fewer of "greedy" than of "log_probs"
      bad_line(log, line);
    }
  }
  return all;
}

}  // namespace expertoire
