// What experts are said to do: the table expert_labels of an index.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/expert_index.h"

namespace expertoire {

/// A description of one unit, and how well it tells the unit's contexts from others.
struct UnitLabel {
  int64_t unit = 0;  ///< number in UnitTable
  std::string method;
  std::string text;
  std::optional<double> score, low, high, p;  ///< balanced accuracy, its interval, p-value
  int64_t items = 0;                          ///< held-out contexts that it was scored on
  bool reliable = false;  ///< the lower bound passed its test; else it is no fact
  std::string source, made;
};

/// Of a unit, reliable ones first, then by falling score. Errors of both: kBadFile.
std::vector<UnitLabel> labels_of(const ExpertIndex& index, const Unit& unit);

/// All whose text holds every word of `query` (without quotes and *), whatever its case, reliable
/// ones first, then by falling score; at most `most`.
std::vector<UnitLabel> find_labels(const ExpertIndex& index, const std::string& query, size_t most);

/// Into an index opened for writing, all of them or none; a label of the same unit and method is
/// replaced. Errors: kIo.
void write_labels(const ExpertIndex& index, std::span<const UnitLabel> labels);

}  // namespace expertoire
