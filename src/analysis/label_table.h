// Writing labels into an index.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "io/sqlite.h"

namespace expertoire {

/// A row of table expert_labels (docs/experts.md).
struct LabelRow {
  int64_t unit = 0;  ///< number in UnitTable
  std::string method, text;
  double score = 0, low = 0, high = 1, p = 1;  ///< NaN is stored as NULL
  int64_t items = 0;
  bool reliable = false;
  std::string source;  ///< JSON: what it was made and scored with
  std::string made;    ///< UTC
};

/// All of them or none; a label of the same unit and method is replaced. Errors: kIo, kBadFile.
void write_labels(const Database& database, std::span<const LabelRow> labels);

}  // namespace expertoire
