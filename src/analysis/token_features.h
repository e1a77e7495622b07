// What can be said of a token and its surroundings, as things that can be counted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "analysis/token_classes.h"

namespace expertoire {

enum class FeatureKind : uint8_t {
  kToken,   ///< the token's text
  kWord,    ///< the word that it is a part of, in lower case
  kAfter,   ///< the word before
  kBefore,  ///< the word after
  kClass,   ///< a class (token_classes.h)
  kNear,    ///< a word of its window, other than its own
};
inline constexpr std::string_view kFeatureKindNames[] = {"token",  "word",  "after",
                                                         "before", "class", "near"};
inline constexpr size_t kFeatureKinds = std::size(kFeatureKindNames);

struct Feature {
  FeatureKind kind = FeatureKind::kToken;
  std::string text;

  bool operator==(const Feature&) const = default;
  bool operator<(const Feature& other) const {
    return std::tie(kind, text) < std::tie(other.kind, other.text);
  }
};

/// All features of a token but the near ones, each once.
std::vector<Feature> token_features(const TokenisedText& window, int64_t token);

/// Words of the window, sorted, each once, without that of `token` (−1: with all) and without
/// words of a single letter.
std::vector<std::string> near_words(const TokenisedText& window, int64_t token);

}  // namespace expertoire
