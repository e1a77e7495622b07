#include "analysis/used_together.h"

#include <algorithm>

namespace expertoire {

UsedTogether::UsedTogether(const UnitTable& units) {
  for (const IndexedLayer& layer : units.layers()) {
    std::vector<std::pair<UnitKind, int64_t>> places = {{UnitKind::kExpert, layer.experts}};
    if (layer.keys > 0) places = {{UnitKind::kLeft, layer.keys}, {UnitKind::kRight, layer.keys}};
    for (const auto& [kind, size] : places) {
      if (size > kMost) continue;
      std::vector<uint32_t>& counts = counts_[{layer.layer, kind}];
      counts.resize(static_cast<size_t>(size * size));
      const auto begin = static_cast<int32_t>(units.number({layer.layer, kind, 0}));
      rows_[layer.layer].push_back({begin, static_cast<int32_t>(size), counts.data()});
    }
  }
}

void UsedTogether::add(int layer, std::span<const UnitUse> uses) {
  const auto rows = rows_.find(layer);
  if (rows == rows_.end()) return;
  for (size_t begin = 0, end = 0; begin < uses.size(); begin = end) {
    while (end < uses.size() && uses[end].token == uses[begin].token) ++end;
    for (const Row& row : rows->second) count(uses.subspan(begin, end - begin), row);
  }
}

std::vector<UsedTogether::Place> UsedTogether::places() const {
  std::vector<Place> all;
  for (const auto& [place, counts] : counts_) all.push_back(place);
  return all;
}

std::span<uint32_t> UsedTogether::counts(const Place& place) {
  const auto found = counts_.find(place);
  return found == counts_.end() ? std::span<uint32_t>() : std::span(found->second);
}

void UsedTogether::count(std::span<const UnitUse> token, const Row& row) {
  ids_.clear();
  for (const UnitUse& use : token) {
    const int32_t id = use.unit - row.begin;
    if (id >= 0 && id < row.size) ids_.push_back(id);
  }
  for (size_t a = 0; a < ids_.size(); ++a) {
    for (size_t b = a; b < ids_.size(); ++b) {
      const auto [low, high] = std::minmax(ids_[a], ids_[b]);
      ++row.counts[static_cast<size_t>(low) * static_cast<size_t>(row.size) +
                   static_cast<size_t>(high)];
    }
  }
}

}  // namespace expertoire
