#include "eval/last_word.h"

#include <cmath>

#include "io/refuse.h"

namespace expertoire {

LastWordSet LastWordSet::read(const std::string& path, const RowOptions& rows) {
  LastWordSet set{path, {}, {}};
  set.counts = read_rows(path, rows, [&](const DataRow& row) {
    const std::string text = row.text("text");
    const size_t space = text.rfind(' ');
    if (space == std::string::npos || space == 0 || space + 1 == text.size()) {
      row.refuse("a text without a last word after a space: " + in_quotes(text), "two words");
    }
    set.items.push_back({text.substr(0, space), text.substr(space)});
  });
  return set;
}

EvalResult last_word_result(const LastWordSet& set, const std::vector<RequestScore>& scores,
                            const BootstrapOptions& options) {
  std::vector<double> acc, log_probs;
  for (const RequestScore& score : scores) {
    acc.push_back(score.greedy ? 1 : 0);
    log_probs.push_back(score.log_prob);
  }
  const auto perplexity = [&](std::span<const uint32_t> items) {
    double sum = 0;
    for (const uint32_t item : items) sum -= log_probs[item];
    return std::exp(sum / static_cast<double>(items.size()));
  };
  EvalResult result;
  result.task = "lambada";
  result.dataset = dataset_name(set.path);
  result.n = static_cast<int64_t>(set.items.size());
  result.main = "acc";
  result.scores["acc"] = EvalScore::mean_of(acc, options);
  result.scores["perplexity"] = EvalScore::of(scores.size(), perplexity, options);
  result.items = {{"acc", acc}, {"log_prob", log_probs}};
  result.details = set.counts.left_out();
  return result;
}

}  // namespace expertoire
