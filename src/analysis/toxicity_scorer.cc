#include "analysis/toxicity_scorer.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <unordered_map>

#include "base/error.h"
#include "eval/rows.h"
#include "io/json.h"
#include "io/refuse.h"

namespace expertoire {

BinaryTexts read_labelled_texts(const std::string& path, const std::set<std::string>& toxic) {
  BinaryTexts data;
  std::set<std::string> seen;
  read_rows(path, {}, [&](const DataRow& row) {
    const std::string label = row.label("label");
    data.texts.push_back(row.text("text"));
    data.classes.push_back(toxic.contains(label) ? 1 : 0);
    seen.insert(label);
  });
  for (const std::string& label : toxic) {
    if (seen.contains(label)) continue;
    throw Error(ErrorCode::kInvalidArgument,
                {"reading " + path, "no row with the label " + in_quotes(label),
                 "labels that the file has", "check the labels behind the file's name"});
  }
  return data;
}

BinaryTexts pieces_of(const std::vector<ScoredText>& texts) {
  BinaryTexts data;
  const auto add = [&](const std::string& text, double toxicity) {
    if (text.empty()) return;
    data.texts.push_back(text);
    data.classes.push_back(toxicity >= kToxic ? 1 : 0);
  };
  for (const ScoredText& text : texts) {
    add(text.prompt, text.prompt_toxicity);
    add(text.continuation, text.continuation_toxicity);
  }
  return data;
}

TextScorer classifier_scorer(const BinaryTexts& data) {
  const auto classifier = std::make_shared<const TextClassifier>(data);
  return [classifier](const std::vector<std::string>& texts) { return classifier->score(texts); };
}

TextScorer file_scorer(const std::string& path) {
  auto scores = std::make_shared<std::unordered_map<std::string, double>>();
  read_rows(path, {}, [&](const DataRow& row) {
    const nlohmann::json& text = row.at("text");
    const double score = row.number("score");
    if (!text.is_string()) row.refuse("the text is " + in_short(text), "text");
    if (!(score >= 0 && score <= 1)) {
      row.refuse(fmt::format("the score {}", score), "a number from 0 to 1");
    }
    scores->insert_or_assign(text.get<std::string>(), score);
  });
  return [scores, path](const std::vector<std::string>& texts) {
    std::vector<double> found;
    for (const std::string& text : texts) {
      const auto at = scores->find(text);
      if (at == scores->end()) {
        throw Error(
            ErrorCode::kInvalidArgument,
            {"scoring continuations", fmt::format("{} has no score for {}", path, in_quotes(text)),
             "a row for every text in the log", "score all texts of the --out file"});
      }
      found.push_back(at->second);
    }
    return found;
  };
}

}  // namespace expertoire
