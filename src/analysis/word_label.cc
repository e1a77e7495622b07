#include "analysis/word_label.h"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/log_odds.h"

namespace expertoire {
namespace {

// The text of a token as its word's is written.
std::string as_word(const std::string& token) {
  std::string word = token.substr(std::min(token.find_first_not_of(' '), token.size()));
  for (char& c : word) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 'a' - 'A');
  }
  return word;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else {
      out += c;
    }
  }
  return out;
}

std::string shown(const Feature& feature) {
  switch (feature.kind) {
    case FeatureKind::kClass:
    case FeatureKind::kNear: return feature.text;
    default: return fmt::format("\"{}\"", escaped(feature.text));
  }
}

}  // namespace

void FeatureCounts::add(std::span<const ContextWindow> windows) {
  const auto count_one = [this](Feature feature) {
    totals_[static_cast<size_t>(feature.kind)] += 1;
    counts_[std::move(feature)] += 1;
  };
  for (const ContextWindow& window : windows) {
    const TokenisedText text(window.pieces);
    const auto token = static_cast<int64_t>(window.marked);
    for (Feature& feature : token_features(text, token)) count_one(std::move(feature));
    for (std::string& word : near_words(text, token)) {
      count_one({FeatureKind::kNear, std::move(word)});
    }
  }
}

double FeatureCounts::count(const Feature& feature) const {
  const auto found = counts_.find(feature);
  return found == counts_.end() ? 0 : found->second;
}

WordLabel::WordLabel(const FeatureCounts& own, const FeatureCounts& background, bool within) {
  for (const auto& [feature, count] : own.counts()) {
    const double total = own.total(feature.kind);
    const WordCount others{background.count(feature) - (within ? count : 0),
                           background.total(feature.kind) - (within ? total : 0)};
    if (others.total <= 0) continue;
    const LogOdds odds = log_odds({count, total}, others, kPriorWeight * total);
    if (odds.difference <= 0 || odds.z < kSalient) continue;
    features_.push_back({feature, odds.difference, odds.z});
  }
  // A token that is a whole word says no more than the word.
  std::erase_if(features_, [&](const SalientFeature& one) {
    return one.feature.kind == FeatureKind::kToken &&
           std::ranges::any_of(features_, [&](const SalientFeature& other) {
             return other.feature.kind == FeatureKind::kWord &&
                    other.feature.text == as_word(one.feature.text);
           });
  });
  std::ranges::stable_sort(features_, {}, [](const SalientFeature& one) { return -one.z; });
  if (features_.size() > kMost) features_.resize(kMost);
}

std::string WordLabel::text() const {
  std::string text;
  const auto list = [&](std::string_view heading, std::initializer_list<FeatureKind> kinds) {
    std::string part;
    for (const SalientFeature& one : features_) {
      if (std::ranges::find(kinds, one.feature.kind) == kinds.end()) continue;
      part += (part.empty() ? "" : ", ") + shown(one.feature);
    }
    if (part.empty()) return;
    text += (text.empty() ? "" : "; ") + std::string(heading) + part;
  };
  list("", {FeatureKind::kToken, FeatureKind::kWord});
  list("after ", {FeatureKind::kAfter});
  list("before ", {FeatureKind::kBefore});
  list("", {FeatureKind::kClass});
  list("near ", {FeatureKind::kNear});
  return text.empty() ? "nothing salient" : text;
}

std::vector<double> WordLabel::scores(const ContextWindow& window) const {
  std::vector<double> scores(window.pieces.size(), 0.0);
  if (features_.empty()) return scores;
  const TokenisedText text(window.pieces);
  const auto weight_of = [&](const Feature& feature) {
    const auto found = std::ranges::find(features_, feature, &SalientFeature::feature);
    return found == features_.end() ? 0.0 : found->weight;
  };
  double near = 0;
  for (std::string& word : near_words(text, -1)) {
    near += weight_of({FeatureKind::kNear, std::move(word)});
  }
  for (size_t i = 0; i < scores.size(); ++i) {
    scores[i] = near;
    for (const Feature& feature : token_features(text, static_cast<int64_t>(i))) {
      scores[i] += weight_of(feature);
    }
  }
  return scores;
}

double overlap(const WordLabel& a, const WordLabel& b) {
  const auto shared =
      static_cast<double>(std::ranges::count_if(a.features(), [&](const SalientFeature& one) {
        return std::ranges::find(b.features(), one.feature, &SalientFeature::feature) !=
               b.features().end();
      }));
  const auto either = static_cast<double>(a.features().size() + b.features().size()) - shared;
  return either == 0 ? 0 : shared / either;
}

}  // namespace expertoire
