#include "eval/choice_scores.h"

#include <algorithm>
#include <map>

namespace expertoire {
namespace {

using nlohmann::json;
using Items = std::vector<uint32_t>;

EvalResult result_of(const ChoiceTask& task, const ChoiceSet& set,
                     const std::vector<ChoiceOutcome>& outcomes, const Items& items,
                     const BootstrapOptions& options) {
  std::vector<double> acc, norm, chance;
  for (const uint32_t i : items) {
    acc.push_back(is_right(set.items[i], outcomes[i], false) ? 1 : 0);
    norm.push_back(is_right(set.items[i], outcomes[i], true) ? 1 : 0);
    chance.push_back(1 / static_cast<double>(set.items[i].size()));
  }
  EvalResult result;
  result.task = task.name;
  result.dataset = dataset_name(set.path);
  result.n = static_cast<int64_t>(items.size());
  result.main = task.main;
  result.scores["acc"] = EvalScore::mean_of(acc, options);
  result.items["acc"] = acc;
  if (task.norm) {
    result.scores["acc_norm"] = EvalScore::mean_of(norm, options);
    result.items["acc_norm"] = norm;
  }
  result.scores["chance"] = EvalScore::mean_of(chance, {.resamples = 0});
  return result;
}

// In the order of their first items.
std::vector<std::pair<std::string, Items>> categories_of(const ChoiceSet& set) {
  std::vector<std::pair<std::string, Items>> all;
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < set.items.size(); ++i) {
    const std::string& name = set.items[i].category;
    if (name.empty()) continue;
    const auto [place, fresh] = places.emplace(name, all.size());
    if (fresh) all.push_back({name, {}});
    all[place->second].second.push_back(static_cast<uint32_t>(i));
  }
  return all;
}

json counts_of(const std::vector<ChoiceOutcome>& outcomes, int shots) {
  int64_t dropped = 0, fewer = 0, cut = 0;
  for (const ChoiceOutcome& outcome : outcomes) {
    dropped += shots - outcome.shots;
    fewer += outcome.shots < shots ? 1 : 0;
    cut += outcome.cut ? 1 : 0;
  }
  return {{"dropped_shots", dropped}, {"items_with_fewer_shots", fewer}, {"items_cut", cut}};
}

}  // namespace

bool is_right(const ChoiceItem& item, const ChoiceOutcome& outcome, bool norm) {
  std::vector<double> scores = outcome.log_probs;
  for (size_t c = 0; norm && c < scores.size(); ++c) {
    scores[c] /= static_cast<double>(item.lengths[c]);
  }
  return std::max_element(scores.begin(), scores.end()) - scores.begin() == item.answer;
}

std::vector<EvalResult> category_results(const ChoiceTask& task, const ChoiceSet& set,
                                         const std::vector<ChoiceOutcome>& outcomes,
                                         const BootstrapOptions& options) {
  std::vector<EvalResult> all;
  for (const auto& [name, items] : categories_of(set)) {
    all.push_back(result_of(task, set, outcomes, items, options));
    all.back().dataset += ": " + name;
    all.back().details["category"] = name;
  }
  return all;
}

EvalResult choice_result(const ChoiceTask& task, const ChoiceSet& set,
                         const std::vector<ChoiceOutcome>& outcomes, int shots,
                         const BootstrapOptions& options) {
  EvalResult result = result_of(task, set, outcomes, each_item(set.items.size()), options);
  result.details = counts_of(outcomes, shots);
  result.details.update(set.counts.left_out());
  for (const EvalResult& one : category_results(task, set, outcomes, options)) {
    json row = {{"category", one.details["category"]}, {"n", one.n}};
    for (const auto& [name, score] : one.scores) {
      row[name] = score.value;
      if (score.interval) row["intervals"][name] = {score.interval->first, score.interval->second};
    }
    result.details["categories"].push_back(std::move(row));
  }
  return result;
}

}  // namespace expertoire
