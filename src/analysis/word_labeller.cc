#include "analysis/word_labeller.h"

namespace expertoire {

const Background::Sample& Background::sample(int layer, UnitKind kind) {
  const auto [entry, added] = samples_.try_emplace({layer, kind});
  if (!added) return entry->second;
  std::vector<ContextPlace> places;
  for (const UnitRecord& unit : sample_units(index_, layer, kind, units_)) {
    entry->second.units.insert(index_.units().number(unit.unit));
    for (const Context& context : unit.contexts) {
      places.push_back({context.document, context.position});
    }
  }
  entry->second.counts.add(read_windows(index_, places));
  return entry->second;
}

WordLabel Background::label(const UnitRecord& record, std::span<const ContextWindow> windows) {
  const Sample& others = sample(record.unit.layer, record.unit.kind);
  FeatureCounts own;
  own.add(windows);
  return {own, others.counts, others.units.contains(index_.units().number(record.unit))};
}

void WordLabeller::learn(std::vector<UnitEvidence> units) {
  for (const UnitEvidence& unit : units) {
    labels_.push_back(background_.label(unit.record, unit.windows));
    calibrate(unit.items);
  }
}

}  // namespace expertoire
