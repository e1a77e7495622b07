// What an index gathers of units while a corpus streams by. Memory is bounded by the units that
// there are, whatever the corpus.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "analysis/unit_record.h"
#include "analysis/unit_uses.h"

namespace expertoire {

struct CounterOptions {
  int labels = 1;
  int contexts = 16;              ///< kept of a unit
  int contexts_per_document = 2;  ///< of these, from one document
  int tokens = 16;                ///< of the vocabulary, kept of a unit
  double support = 0;             ///< mass that a document needs to count as holding a unit
};

/// Where a token is.
struct TokenPlace {
  int32_t document = 0;
  int32_t position = 0;   ///< in the document
  int32_t in_window = 0;  ///< in what the model read at once
  int32_t token = 0;      ///< of the vocabulary
  int32_t label = 0;      ///< of the document
};

/// A unit's mass in one document.
struct DocumentMass {
  int32_t document = 0;
  int32_t unit = 0;
  float mass = 0;

  bool operator==(const DocumentMass&) const = default;
};

/// The order of the uses of one unit decides the bits of its sums and which of equal contexts
/// stay: the same order gives the same records, however the uses of several units are mixed.
class UnitCounters {
 public:
  UnitCounters(const UnitTable& units, const CounterOptions& options);
  ~UnitCounters();

  /// Uses of one layer, and the place of each token of the event. Documents come one after the
  /// other in each layer.
  void add(std::span<const UnitUse> uses, std::span<const TokenPlace> places);
  /// There are this many labels now, no fewer than before.
  void set_labels(int labels);
  /// Ends the documents that came so far: their masses of at least `support`, by document and unit.
  std::vector<DocumentMass> end_documents();

  /// Units whose records changed since the last call, rising.
  std::vector<int64_t> take_changed();
  /// The record of a unit that was used, its lists in the order in which they are kept.
  UnitRecord record(int64_t number) const;
  /// Puts back what record() gave. A record's lists must fit the options.
  void restore(int64_t number, const UnitRecord& record);

 private:
  struct Head;
  struct Block;
  struct Slot;  // the parts of a Block that belong to one unit
  Slot slot(int32_t index) const;
  Slot slot_of(int32_t unit);
  void count(const Slot& slot, const UnitUse& use, const TokenPlace& place) const;
  void add_context(const Slot& slot, const Context& context) const;
  void add_token(const Slot& slot, int32_t token, float score) const;
  void end_document(const Slot& slot);
  void prefetch(int32_t unit) const;

  const UnitTable& units_;
  CounterOptions options_;
  std::vector<int32_t> slots_;  // by unit number; -1 = not used yet
  int32_t used_ = 0;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::vector<DocumentMass> ended_;
};

}  // namespace expertoire
