// Vectors of which most entries are 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace expertoire {

/// Row r has values[i] in column columns[i] for i in [begin[r], begin[r + 1]).
struct SparseRows {
  int64_t dim = 0;
  std::vector<size_t> begin{0};
  std::vector<uint32_t> columns;
  std::vector<float> values;

  void append(const std::vector<std::pair<uint32_t, float>>& entries) {
    for (const auto& [column, value] : entries) {
      columns.push_back(column);
      values.push_back(value);
    }
    begin.push_back(columns.size());
  }
  size_t size() const { return begin.size() - 1; }
};

}  // namespace expertoire
