// Labels of many units, each scored on contexts of another index.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "analysis/label_scores.h"
#include "analysis/labeller.h"
#include "base/progress.h"

namespace expertoire {

struct LabelStudyOptions {
  ItemOptions items;
  LabelRule rule;
  bool shuffled = true;  ///< judge every unit's items by another one's label too
  size_t batch = 128;    ///< units whose contexts are in memory at once
};

struct LabelledUnit {
  Unit unit;
  std::string text;
  TaskCounts counts{};    ///< of held-out items
  TaskCounts shuffled{};  ///< of the same, by the label of another unit
  LabelScore score{}, shuffled_score{};
  /// Overlap of word labels (word_label.h) made from one index and from the other; and with the
  /// other index's label of another unit.
  double replication = 0, shuffled_replication = 0;
  /// The document label that holds most of the unit's mass in both indexes; empty where they differ
  /// or have none.
  std::string topic = {};
};

/// The document label with at least half of a unit's mass and twice its share of the tokens; empty
/// where there is none.
std::string topic_of(const IndexInfo& info, const UnitRecord& unit);

/// Experts of the largest mass in `index` that `held_out` has enough contexts of, at most `most`.
std::vector<Unit> units_to_label(const ExpertIndex& index, const ExpertIndex& held_out, size_t most,
                                 const LabelRule& rule);

/// Errors: kInvalidArgument when the indexes are of different models, or share documents.
void check_held_out(const ExpertIndex& index, const ExpertIndex& held_out);

class LabelStudy {
 public:
  /// Errors: kInvalidArgument for no units, one that was not used in `index`, one named twice;
  /// those of check_held_out.
  LabelStudy(const ExpertIndex& index, const ExpertIndex& held_out, std::span<const Unit> units,
             const LabelStudyOptions& options);

  /// Labels all units and judges them. What was judged before an error stays. Errors: those of the
  /// labeller, kCancelled.
  void run(Labeller& labeller, const ProgressSink& progress, const CancelToken* cancel);

  /// Units that were judged, with their scores.
  std::vector<LabelledUnit> results() const;

 private:
  std::vector<UnitEvidence> evidence(std::span<const UnitRecord> records,
                                     const ItemMaker& maker) const;
  void find_replication();

  const ExpertIndex& index_;
  const ExpertIndex& held_out_;
  LabelStudyOptions options_;
  std::vector<UnitRecord> records_;  // in index_
  std::vector<UnitRecord> unseen_;   // the same units in held_out_
  std::vector<uint32_t> other_;      // of each unit one whose label stands in
  struct Replication {
    double own = 0, shuffled = 0;
  };
  std::vector<Replication> replication_;
  std::vector<LabelledUnit> judged_;
};

}  // namespace expertoire
