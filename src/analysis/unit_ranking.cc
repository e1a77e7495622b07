#include "analysis/unit_ranking.h"

#include <algorithm>
#include <tuple>

#include "analysis/label_rates.h"
#include "base/error.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

struct Ranked {
  double key = 0, mass = 0;
  int64_t number = 0;

  auto falling() const { return std::tuple(-key, -mass, number); }
};

// Only what the summary of a unit cannot tell needs its whole record.
bool needs_labels(UnitOrder order, const UnitFilter& filter) {
  return order == UnitOrder::kSkew || filter.label || filter.least_documents > 0;
}

double key_of(UnitOrder order, const UnitSummary& unit) {
  switch (order) {
    case UnitOrder::kCount: return static_cast<double>(unit.count);
    case UnitOrder::kMax: return unit.max;
    default: return unit.mass;
  }
}

std::vector<Ranked> rank_by_summary(const ExpertIndex& index, UnitOrder order,
                                    const UnitFilter& filter) {
  std::vector<Ranked> all;
  for (const UnitSummary& unit : index.summaries()) {
    if (unit.count < filter.least_uses || !passes(filter, index.units().unit(unit.number))) {
      continue;
    }
    all.push_back({key_of(order, unit), unit.mass, unit.number});
  }
  return all;
}

std::vector<Ranked> rank_by_labels(const ExpertIndex& index, UnitOrder order,
                                   const UnitFilter& filter) {
  std::vector<Ranked> all;
  index.for_each([&](const UnitRecord& record) {
    if (record.count < filter.least_uses || !passes(filter, record.unit)) return;
    const std::vector<LabelRate> rates = label_rates(record, index.info());
    if (rates.empty() || (filter.label && rates[0].label != *filter.label) ||
        rates[0].use.documents < filter.least_documents) {
      return;
    }
    const int64_t number = index.units().number(record.unit);
    const double key = order == UnitOrder::kSkew
                           ? label_skew(rates)
                           : key_of(order, {number, record.count, record.mass, record.max});
    all.push_back({key, record.mass, number});
  });
  return all;
}

}  // namespace

bool passes(const UnitFilter& filter, const Unit& unit) {
  return (!filter.layer || *filter.layer == unit.layer) &&
         (filter.kinds.empty() || std::ranges::find(filter.kinds, unit.kind) != filter.kinds.end());
}

std::vector<UnitRecord> ranked_units(const ExpertIndex& index, UnitOrder order,
                                     const UnitFilter& filter, size_t most) {
  if (filter.layer) index.units().layer(*filter.layer);  // refuses one that does not route
  std::vector<Ranked> all = needs_labels(order, filter) ? rank_by_labels(index, order, filter)
                                                        : rank_by_summary(index, order, filter);
  const size_t count = std::min(most, all.size());
  std::ranges::partial_sort(all, all.begin() + static_cast<std::ptrdiff_t>(count), {},
                            &Ranked::falling);
  std::vector<UnitRecord> records;
  for (size_t i = 0; i < count; ++i) {
    records.push_back(index.find(index.units().unit(all[i].number)).value());
  }
  return records;
}

int label_number(const IndexInfo& info, const std::string& name) {
  const auto found = std::ranges::find(info.labels, name);
  if (found != info.labels.end()) return static_cast<int>(found - info.labels.begin());
  std::string there;
  for (const std::string& label : info.labels) there += (there.empty() ? "" : ", ") + label;
  throw Error(ErrorCode::kInvalidArgument,
              {"choosing experts", "no label " + in_quotes(name), "one of " + there, ""});
}

}  // namespace expertoire
