// Labels by words and token classes (word_label.h).
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "analysis/labeller.h"
#include "analysis/word_label.h"

namespace expertoire {

/// What contexts of a layer's units hold on the whole, by kind: of a sample of the units.
class Background {
 public:
  explicit Background(const ExpertIndex& index, size_t units = 256)
      : index_(index), units_(units) {}

  /// A unit's label, from the windows of its contexts.
  WordLabel label(const UnitRecord& record, std::span<const ContextWindow> windows);

 private:
  struct Sample {
    FeatureCounts counts;
    std::set<int64_t> units;  // their numbers
  };
  const Sample& sample(int layer, UnitKind kind);

  const ExpertIndex& index_;
  size_t units_;
  std::map<std::pair<int, UnitKind>, Sample> samples_;
};

class WordLabeller final : public ScoringLabeller {
 public:
  explicit WordLabeller(const ExpertIndex& index) : background_(index) {}

  void learn(std::vector<UnitEvidence> units) override;
  std::string text(size_t unit) override { return labels_.at(unit).text(); }

 protected:
  std::vector<double> scores(size_t unit, const ContextWindow& window) const override {
    return labels_.at(unit).scores(window);
  }

 private:
  Background background_;
  std::vector<WordLabel> labels_;
};

}  // namespace expertoire
