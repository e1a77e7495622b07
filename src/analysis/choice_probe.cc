#include "analysis/choice_probe.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "engine/prefix_scorer.h"
#include "eval/choice_scores.h"
#include "eval/random_state.h"
#include "io/refuse.h"

namespace expertoire {

ChoiceProbe::ChoiceProbe(ChoiceProbeOptions options, const GroupOf& group_of, Tokenizer tokenizer,
                         int64_t max_length)
    : options_(std::move(options)),
      task_(choice_task(options_.task)),
      tokenizer_(std::move(tokenizer)),
      set_(ChoiceSet::read(options_.path, task_, {{}, "", options_.skip_bad})),
      prompts_(task_, set_, nullptr, tokenizer_, {.max_length = max_length},
               {.count = options_.shots, .seed = options_.seed}) {
  choose(group_of);
}

void ChoiceProbe::choose(const GroupOf& group_of) {
  std::map<int, std::vector<size_t>> groups;
  for (size_t i = 0; i < set_.items.size(); ++i) {
    const int group = group_of(set_.items[i].category);
    if (group < 0) {
      ++left_out_;
    } else {
      groups[group].push_back(i);
    }
  }
  if (groups.empty()) {
    const std::string category = set_.items.empty() ? "" : set_.items.front().category;
    throw Error(
        ErrorCode::kInvalidArgument,
        {"reading " + options_.path,
         "no question of a domain; the first one's category is " + in_quotes(category),
         "categories that are labels or names of domains", "name them in the --groups file"});
  }
  for (auto& [group, items] : groups) {
    if (items.size() > options_.items) {
      RandomState(options_.seed).shuffle(std::span(items));
      items.resize(options_.items);
      std::ranges::sort(items);
    }
    for (const size_t item : items) chosen_.push_back({group, item});
  }
}

double ChoiceProbe::chance(size_t question) const {
  return 1 / static_cast<double>(item(question).size());
}

std::vector<double> ChoiceProbe::wrong(Session& session, size_t first, size_t end) const {
  std::vector<ScoreRequest> requests;
  for (size_t q = first; q < end; ++q) {
    for (ScoreRequest& request : prompts_.prompt(chosen_[q].item).requests) {
      requests.push_back(std::move(request));
    }
  }
  const std::vector<RequestScore> scores = PrefixScorer(session).score(requests);
  std::vector<double> wrong;
  size_t next = 0;
  for (size_t q = first; q < end; ++q) {
    ChoiceOutcome outcome;
    for (size_t c = 0; c < item(q).size(); ++c) {
      outcome.log_probs.push_back(scores[next++].log_prob);
    }
    wrong.push_back(is_right(item(q), outcome, task_.main == "acc_norm") ? 0 : 1);
  }
  return wrong;
}

nlohmann::json ChoiceProbe::about() const {
  return {{"file", options_.path},      {"task", options_.task}, {"shots", options_.shots},
          {"seed", options_.seed},      {"questions", size()},   {"left_out", left_out_},
          {"bad_rows", set_.counts.bad}};
}

}  // namespace expertoire
