// What makes labels and answers questions by them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "analysis/label_items.h"

namespace expertoire {

/// What a label is made from; all of it from the index that is described.
struct UnitEvidence {
  UnitRecord record;
  std::vector<ContextWindow> windows;  ///< of record.contexts
  std::vector<LabelItem> items;        ///< for choosing where to cut scores
};

class Labeller {
 public:
  virtual ~Labeller() = default;

  /// Takes what is known of more units; they are numbered in the order in which they come.
  virtual void learn(std::vector<UnitEvidence> units) = 0;
  /// The label of a unit.
  virtual std::string text(size_t unit) = 0;
  /// Are the items active, by the label of `unit` alone? The answers that items carry are not
  /// looked at.
  virtual std::vector<bool> judge(size_t unit, std::span<const LabelItem> items) = 0;
};

/// A labeller that gives each token of a window a number by a label. A window counts as active when
/// its highest token reaches a bound; a marked token when it does. The bounds are those that tell
/// the evidence's items apart best.
class ScoringLabeller : public Labeller {
 public:
  std::vector<bool> judge(size_t unit, std::span<const LabelItem> items) override;

 protected:
  /// One for each token, by the label of `unit`.
  virtual std::vector<double> scores(size_t unit, const ContextWindow& window) const = 0;
  /// Sets the bounds of the next unit, whose label scores() knows already.
  void calibrate(std::span<const LabelItem> items);

 private:
  double score(size_t unit, const LabelItem& item) const;

  std::vector<std::array<double, 2>> bounds_;  // by unit and LabelTask
};

/// The bound with the best balanced accuracy of `score ≥ bound` for `active`; of several the one
/// in the widest gap between scores, infinity where scores tell nothing.
double best_bound(std::span<const double> scores, const std::vector<bool>& active);

}  // namespace expertoire
