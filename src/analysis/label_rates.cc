#include "analysis/label_rates.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace expertoire {

std::vector<LabelRate> label_rates(const UnitRecord& record, const IndexInfo& info) {
  const double overall = info.tokens > 0 ? record.mass / static_cast<double>(info.tokens) : 0;
  std::vector<LabelRate> rates;
  for (size_t i = 0; i < record.labels.size(); ++i) {
    const double tokens = static_cast<double>(info.label_tokens[i]);
    const double rate = tokens > 0 ? record.labels[i].mass / tokens : 0;
    rates.push_back(
        {static_cast<int>(i), rate, overall > 0 ? rate / overall : 0, record.labels[i]});
  }
  std::ranges::sort(rates, {}, [](const LabelRate& r) { return std::pair(-r.rate, r.label); });
  return rates;
}

double label_skew(const std::vector<LabelRate>& rates) {
  if (rates.size() < 2) return 1;
  if (rates[0].rate == 0) return 0;
  return rates[1].rate > 0 ? rates[0].rate / rates[1].rate
                           : std::numeric_limits<double>::infinity();
}

}  // namespace expertoire
