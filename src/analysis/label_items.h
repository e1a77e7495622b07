// Questions that a label must answer about contexts which it was not made from.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "analysis/context_window.h"
#include "eval/random_state.h"

namespace expertoire {

/// Detection: does the unit serve a token of this window? Fuzzing: is the marked token one of them?
enum class LabelTask : uint8_t { kDetection, kFuzzing };
inline constexpr std::string_view kLabelTaskNames[] = {"detection", "fuzzing"};

struct LabelItem {
  LabelTask task = LabelTask::kDetection;
  bool active = false;  ///< the answer
  /// What the index knows of an item that is not active: that the unit's mass in the whole document
  /// is below its support. Otherwise only that it is none of the unit's top contexts.
  bool known = true;
  ContextWindow window;
};

struct ItemOptions {
  int64_t pool_tokens = 2'000'000;  ///< of documents that controls are drawn from
  size_t others = 256;              ///< units of the same kind and layer that lend contexts
  uint64_t seed = 42;
};

/// Units of a layer and kind that were used, evenly spread over all of them, at most `most`.
std::vector<UnitRecord> sample_units(const ExpertIndex& index, int layer, UnitKind kind,
                                     size_t most);

/// Makes items of one index. Each of a unit's contexts is the active item of one task, in turns,
/// with one control. Controls are hard: half of them the same token, half another one under the
/// same document label, from documents that do not hold the unit; of fuzzing, half another token
/// beside an active one. Where too few documents do without the unit, contexts of other units stand
/// in. The same seed gives a unit the same items, whichever other units are asked for.
class ItemMaker {
 public:
  ItemMaker(const ExpertIndex& index, std::span<const UnitRecord> units,
            const ItemOptions& options);

  /// Items of each unit, which must be one of those that the maker was made with.
  std::vector<std::vector<LabelItem>> make(std::span<const UnitRecord> units) const;

 private:
  struct Plan {
    LabelTask task;
    bool active, known;
    ContextPlace place;
  };
  struct PoolDocument {
    int32_t number = 0;
    int label = 0;
    int64_t begin = 0, end = 0;  // in ids_
  };
  struct Topic {
    int32_t token = 0;
    int label = 0;
  };
  enum class Likeness : uint8_t { kToken, kLabel, kNone };
  struct Draw;  // of one unit

  void read_pool(std::span<const UnitRecord> units);
  void index_tokens();
  void read_others(std::span<const UnitRecord> units);
  std::vector<Plan> plan(const UnitRecord& unit) const;
  Topic topic(const Context& context) const;
  int64_t draw_token(RandomState& random, const Topic& like, Likeness likeness) const;
  std::optional<Plan> control(Draw& draw, const Context& context, LabelTask task,
                              bool same_token) const;
  std::optional<Plan> other_token(Draw& draw, const Context& context) const;
  std::optional<Plan> context_of_another(Draw& draw, LabelTask task) const;
  ContextPlace place(int64_t token) const;

  const ExpertIndex& index_;
  ItemOptions options_;
  std::vector<int32_t> lengths_;  // of all documents
  std::vector<PoolDocument> pool_;
  std::vector<int32_t> ids_;                          // of the pool's documents
  std::vector<int32_t> document_of_;                  // of each id, in pool_
  std::vector<std::vector<int32_t>> by_label_;        // pool documents
  std::map<int32_t, std::vector<int64_t>> by_token_;  // places in ids_
  std::map<int64_t, std::vector<bool>> holders_;      // by unit number: pool documents that hold it
  std::map<std::pair<int, UnitKind>, std::vector<ContextPlace>> others_;
};

}  // namespace expertoire
