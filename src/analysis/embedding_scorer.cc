#include "analysis/embedding_scorer.h"

#include <numeric>

namespace expertoire {

TextVectors KnownVectors::of(const std::vector<std::string>& texts) {
  std::vector<std::string> missing;
  for (const std::string& text : texts) {
    if (text.empty() || known_.contains(text)) continue;
    known_[text];  // once, where it stands twice
    missing.push_back(text);
  }
  if (!missing.empty()) {
    try {
      std::vector<std::vector<float>> found = embed_(missing);
      for (size_t i = 0; i < missing.size(); ++i) known_[missing[i]] = std::move(found[i]);
    } catch (...) {
      for (const std::string& text : missing) known_.erase(text);
      throw;
    }
    dim_ = static_cast<int64_t>(known_[missing.front()].size());
  }
  TextVectors vectors(dim_);
  const std::vector<float> zero(static_cast<size_t>(dim_));
  for (const std::string& text : texts) vectors.append(text.empty() ? zero : known_.at(text));
  return vectors;
}

TextScorer embedding_scorer(const BinaryTexts& data, const std::shared_ptr<KnownVectors>& vectors) {
  require_both_classes(data, 1);
  std::vector<size_t> rows(data.texts.size());
  std::iota(rows.begin(), rows.end(), size_t{0});
  const auto model =
      std::make_shared<const LogisticRegression>(vectors->of(data.texts), rows, data.classes, 2);
  return [model, vectors](const std::vector<std::string>& texts) {
    const TextVectors of_texts = vectors->of(texts);
    std::vector<double> scores;
    for (size_t i = 0; i < texts.size(); ++i) scores.push_back(model->probability(of_texts, i));
    return scores;
  };
}

}  // namespace expertoire
