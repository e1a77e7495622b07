// The units that an export has, one after the other.
#pragma once

#include <functional>
#include <vector>

#include "analysis/unit_effects.h"
#include "analysis/unit_ranking.h"
#include "analysis/unit_view.h"

namespace expertoire {

struct ExportOptions {
  UnitOrder order = UnitOrder::kMass;
  UnitFilter filter;      ///< of experts; of keys, its layer
  size_t experts = 1000;  ///< the first by `order`; and all keys of factored routing
  ViewOptions view;
};

class ExportedUnits {
 public:
  /// Reads the records. `effects` may be null: then no view has one.
  ExportedUnits(const ExpertIndex& index, const ExportOptions& options, UnitEffects* effects);

  const ExpertIndex& index() const { return index_; }
  /// By number.
  const std::vector<UnitRecord>& records() const { return records_; }
  bool contains(const Unit& unit) const;
  bool has_effects() const { return effects_ != nullptr; }

  /// Every view, in order of records().
  void for_each(const std::function<void(const UnitView&)>& take);

 private:
  const ExpertIndex& index_;
  UnitEffects* effects_;
  std::vector<UnitRecord> records_;
  UnitViewer viewer_;
};

}  // namespace expertoire
