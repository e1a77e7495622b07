// How often two experts, or two keys of a side, served the same token.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "analysis/unit_uses.h"

namespace expertoire {

/// Of experts of top-k layers, and of the keys of factored ones; layers with more of them than
/// kMost have no counts.
class UsedTogether {
 public:
  static constexpr int64_t kMost = 1024;
  using Place = std::pair<int, UnitKind>;  // a layer's experts, left or right keys

  explicit UsedTogether(const UnitTable& units);

  /// Uses of one layer, by token.
  void add(int layer, std::span<const UnitUse> uses);

  std::vector<Place> places() const;
  /// [n, n] with the counts of pairs i ≤ j in their upper triangle; the diagonal counts uses. Empty
  /// for a place without counts.
  std::span<uint32_t> counts(const Place& place);

 private:
  struct Row {
    int32_t begin = 0, size = 0;  // unit numbers of the place
    uint32_t* counts = nullptr;
  };
  void count(std::span<const UnitUse> token, const Row& row);

  std::map<Place, std::vector<uint32_t>> counts_;
  std::map<int, std::vector<Row>> rows_;  // by layer
  std::vector<int32_t> ids_;              // of one token and place, scratch
};

}  // namespace expertoire
