#include "analysis/exported_units.h"

#include <algorithm>

#include "base/error.h"

namespace expertoire {
namespace {

constexpr size_t kBlock = 64;  // units whose effects are computed at once

std::vector<UnitRecord> chosen(const ExpertIndex& index, const ExportOptions& options) {
  const auto wanted = [&](UnitKind kind) {
    const std::vector<UnitKind>& kinds = options.filter.kinds;
    return kinds.empty() || std::ranges::find(kinds, kind) != kinds.end();
  };
  std::vector<UnitRecord> all;
  if (wanted(UnitKind::kExpert)) {
    UnitFilter experts = options.filter;
    experts.kinds = {UnitKind::kExpert};
    all = ranked_units(index, options.order, experts, options.experts);
  }
  UnitFilter keys;
  keys.layer = options.filter.layer;
  for (const UnitKind kind : {UnitKind::kLeft, UnitKind::kRight}) {
    if (wanted(kind)) keys.kinds.push_back(kind);
  }
  if (!keys.kinds.empty()) {
    for (UnitRecord& record : ranked_units(index, options.order, keys, SIZE_MAX)) {
      all.push_back(std::move(record));
    }
  }
  std::ranges::sort(all, {}, &UnitRecord::unit);
  return all;
}

}  // namespace

ExportedUnits::ExportedUnits(const ExpertIndex& index, const ExportOptions& options,
                             UnitEffects* effects)
    : index_(index),
      effects_(effects),
      records_(chosen(index, options)),
      viewer_(index, options.view) {
  if (records_.empty()) {
    throw Error(ErrorCode::kInvalidArgument, {"exporting " + index.path(),
                                              "no unit that was asked "
                                              "for",
                                              "at least one", "ask for others"});
  }
  viewer_.read_texts(records_);
}

bool ExportedUnits::contains(const Unit& unit) const {
  return std::ranges::binary_search(records_, unit, {}, &UnitRecord::unit);
}

void ExportedUnits::for_each(const std::function<void(const UnitView&)>& take) {
  for (size_t begin = 0; begin < records_.size(); begin += kBlock) {
    const size_t end = std::min(begin + kBlock, records_.size());
    std::vector<Unit> units;
    for (size_t i = begin; i < end; ++i) units.push_back(records_[i].unit);
    std::vector<LogitEffect> effects;
    if (effects_ != nullptr) effects = effects_->of(units);
    for (size_t i = begin; i < end; ++i) {
      UnitView view = viewer_.view(records_[i]);
      if (!effects.empty()) view.effect = std::move(effects[i - begin]);
      take(view);
    }
  }
}

}  // namespace expertoire
