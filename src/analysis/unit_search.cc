#include "analysis/unit_search.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "analysis/unit_reader.h"

namespace expertoire {
namespace {

// Tokens of found passages, by document.
class FoundTokens {
 public:
  explicit FoundTokens(const std::vector<PassageHit>& hits) {
    for (const PassageHit& hit : hits) ranges_[hit.document][hit.begin] = hit.end;
  }
  bool hold(const Context& context) const {
    const auto document = ranges_.find(context.document);
    if (document == ranges_.end()) return false;
    const auto after = document->second.upper_bound(context.position);
    return after != document->second.begin() && context.position < std::prev(after)->second;
  }

 private:
  std::map<int32_t, std::map<int32_t, int32_t>> ranges_;  // begin → end; passages do not overlap
};

}  // namespace

std::vector<FoundUnit> search_units(const ExpertIndex& index, const std::string& query,
                                    const UnitFilter& filter, size_t most, size_t passages) {
  const FoundTokens tokens(index.search(query, passages));
  std::vector<FoundUnit> all;
  for_each_contexts(
      index, filter.least_uses, [&](int64_t number, const std::vector<Context>& contexts) {
        FoundUnit unit{index.units().unit(number), 0, static_cast<int>(contexts.size()), {}};
        if (!passes(filter, unit.unit)) return;
        for (const Context& context : contexts) {
          if (!tokens.hold(context)) continue;
          if (unit.found++ == 0 || context.score > unit.best.score) unit.best = context;
        }
        if (unit.found > 0) all.push_back(unit);
      });
  const size_t count = std::min(most, all.size());
  std::ranges::partial_sort(
      all, all.begin() + static_cast<std::ptrdiff_t>(count), {},
      [](const FoundUnit& unit) { return std::tuple(-unit.rank(), -unit.best.score, unit.unit); });
  all.resize(count);
  return all;
}

}  // namespace expertoire
