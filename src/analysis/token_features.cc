#include "analysis/token_features.h"

#include <algorithm>

namespace expertoire {

std::vector<Feature> token_features(const TokenisedText& window, int64_t token) {
  std::vector<Feature> features;
  features.push_back({FeatureKind::kToken, std::string(window.piece(token))});
  const std::vector<std::string>& words = window.words();
  const int64_t own = window.word(token);
  const int64_t before = window.words_before(token);
  if (own >= 0) features.push_back({FeatureKind::kWord, words[static_cast<size_t>(own)]});
  const int64_t previous = own >= 0 ? own - 1 : before - 1;
  if (previous >= 0) {
    features.push_back({FeatureKind::kAfter, words[static_cast<size_t>(previous)]});
  }
  const auto next = static_cast<size_t>(own >= 0 ? own + 1 : before);
  if (next < words.size()) features.push_back({FeatureKind::kBefore, words[next]});
  for (const TokenClass c : window.classes(token)) {
    features.push_back(
        {FeatureKind::kClass, std::string(kTokenClassNames[static_cast<size_t>(c)])});
  }
  return features;
}

std::vector<std::string> near_words(const TokenisedText& window, int64_t token) {
  std::vector<std::string> near = window.words();
  const int64_t own = token < 0 ? -1 : window.word(token);
  if (own >= 0) near.erase(near.begin() + own);
  std::erase_if(near, [](const std::string& word) { return word.size() < 2; });
  std::ranges::sort(near);
  near.erase(std::unique(near.begin(), near.end()), near.end());
  return near;
}

}  // namespace expertoire
