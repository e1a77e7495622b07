// A unit described by what its contexts have more of than others': no language model needed.
#pragma once

#include <array>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "analysis/context_window.h"
#include "analysis/token_features.h"

namespace expertoire {

/// How many contexts have a feature. Shares are taken among features of a kind.
class FeatureCounts {
 public:
  void add(std::span<const ContextWindow> windows);

  const std::map<Feature, double>& counts() const { return counts_; }
  double count(const Feature& feature) const;
  double total(FeatureKind kind) const { return totals_[static_cast<size_t>(kind)]; }

 private:
  std::map<Feature, double> counts_;
  std::array<double, kFeatureKinds> totals_{};
};

struct SalientFeature {
  Feature feature;
  double weight = 0;  ///< log-odds against the other contexts
  double z = 0;
};

class WordLabel {
 public:
  static constexpr size_t kMost = 12;         ///< features of a label
  static constexpr double kSalient = 1.96;    ///< least z
  static constexpr double kPriorWeight = 10;  ///< of the prior, in observations of the unit

  WordLabel() = default;
  /// The most salient features of `own` against `background`, which holds other contexts, and
  /// those of `own` too when `within`.
  WordLabel(const FeatureCounts& own, const FeatureCounts& background, bool within);

  const std::vector<SalientFeature>& features() const { return features_; }
  /// `"cell", "cells"; after "the"; word start; near membrane, protein`.
  std::string text() const;
  /// Of each token of a window, the sum of the weights of the features that it has.
  std::vector<double> scores(const ContextWindow& window) const;

 private:
  std::vector<SalientFeature> features_;  // by falling z
};

/// Features that both have, of those that one of them has; 0 when neither has any.
double overlap(const WordLabel& a, const WordLabel& b);

}  // namespace expertoire
