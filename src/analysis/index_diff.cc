#include "analysis/index_diff.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "analysis/unit_reader.h"
#include "analysis/unit_view.h"
#include "base/error.h"
#include "eval/correlation.h"

namespace expertoire {
namespace {

constexpr size_t kTokens = 10;

std::vector<double> rates(const UnitRecord& record, const IndexInfo& info,
                          const std::vector<int>& labels) {
  std::vector<double> rates;
  for (const int label : labels) {
    const auto at = static_cast<size_t>(label);
    rates.push_back(record.labels[at].mass / static_cast<double>(info.label_tokens[at]));
  }
  return rates;
}

double token_overlap(const UnitRecord& a, const UnitRecord& b) {
  const std::vector<TokenUse> first = shown_tokens(a, kTokens), second = shown_tokens(b, kTokens);
  std::set<int32_t> own;
  for (const TokenUse& use : first) own.insert(use.token);
  const auto both =
      std::ranges::count_if(second, [&](const TokenUse& use) { return own.contains(use.token); });
  const size_t longer = std::max(first.size(), second.size());
  return longer == 0 ? 0 : static_cast<double>(both) / static_cast<double>(longer);
}

double median(std::vector<double> values) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::ranges::sort(values);
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Figures of many pairs of records.
struct Agreements {
  std::vector<double> labels, leader, tokens;

  void add(const Agreement& pair) {
    labels.push_back(pair.labels);
    leader.push_back(pair.leader ? 1 : 0);
    tokens.push_back(pair.tokens);
  }
};

struct Place {
  int64_t only_a = 0, only_b = 0;
  std::vector<double> a_mass, b_mass;
  Agreements same, chance;
  std::optional<UnitRecord> before;  // of b: the last one that was compared
};

class Comparison {
 public:
  Comparison(const ExpertIndex& a, const ExpertIndex& b, int64_t least_uses)
      : a_(a), b_(b), least_(least_uses) {
    for (size_t i = 0; i < a.info().labels.size(); ++i) {
      const std::vector<std::string>& others = b.info().labels;
      const auto found = std::ranges::find(others, a.info().labels[i]);
      if (found == others.end()) continue;
      a_labels_.push_back(static_cast<int>(i));
      b_labels_.push_back(static_cast<int>(found - others.begin()));
      diff_.labels.push_back(*found);
    }
  }

  void run() {
    UnitReader as(a_), bs(b_);
    std::optional<UnitRecord> a = as.next(), b = bs.next();
    while (a || b) {
      const int64_t at_a = a ? a_.units().number(a->unit) : std::numeric_limits<int64_t>::max();
      const int64_t at_b = b ? b_.units().number(b->unit) : std::numeric_limits<int64_t>::max();
      add(at_a <= at_b ? &*a : nullptr, at_b <= at_a ? &*b : nullptr);
      if (at_a <= at_b) a = as.next();
      if (at_b <= at_a) b = bs.next();
    }
  }

  IndexDiff take(size_t worst) {
    for (const auto& [where, place] : places_) diff_.layers.push_back(figures(where, place));
    const auto key = [](const ComparedUnit& unit) {
      const double labels = unit.agreement.labels;
      return std::pair((std::isnan(labels) ? 0 : labels) + unit.agreement.tokens, unit.unit);
    };
    const size_t count = std::min(worst, all_.size());
    std::ranges::partial_sort(all_, all_.begin() + static_cast<std::ptrdiff_t>(count), {}, key);
    diff_.worst.assign(all_.begin(), all_.begin() + static_cast<std::ptrdiff_t>(count));
    return std::move(diff_);
  }

 private:
  using Where = std::pair<int, UnitKind>;

  Agreement agree(const UnitRecord& a, const UnitRecord& b) const {
    return agreement(a, a_.info(), a_labels_, b, b_.info(), b_labels_);
  }

  void add(const UnitRecord* a, const UnitRecord* b) {
    const bool in_a = a != nullptr && a->count >= least_, in_b = b != nullptr && b->count >= least_;
    if (!in_a && !in_b) return;
    const Unit& unit = (a != nullptr ? a : b)->unit;
    Place& place = places_[{unit.layer, unit.kind}];
    const auto rate = [](const UnitRecord* record, const ExpertIndex& index) {
      return record == nullptr ? 0 : record->mass / static_cast<double>(index.info().tokens);
    };
    place.a_mass.push_back(rate(a, a_));
    place.b_mass.push_back(rate(b, b_));
    place.only_a += in_a && !in_b;
    place.only_b += in_b && !in_a;
    if (!in_a || !in_b) return;
    all_.push_back({unit, a->count, b->count, agree(*a, *b)});
    place.same.add(all_.back().agreement);
    if (place.before) place.chance.add(agree(*a, *place.before));
    place.before = *b;
  }

  static ComparedLayer figures(const Where& where, const Place& place) {
    return {where.first,
            where.second,
            static_cast<int64_t>(place.same.tokens.size()),
            place.only_a,
            place.only_b,
            spearman(place.a_mass, place.b_mass),
            median(place.same.labels),
            median(place.chance.labels),
            mean(place.same.leader),
            mean(place.chance.leader),
            mean(place.same.tokens),
            mean(place.chance.tokens)};
  }

  const ExpertIndex& a_;
  const ExpertIndex& b_;
  int64_t least_;
  std::vector<int> a_labels_, b_labels_;  // of the labels that both have
  std::map<Where, Place> places_;
  std::vector<ComparedUnit> all_;
  IndexDiff diff_;
};

}  // namespace

Agreement agreement(const UnitRecord& a, const IndexInfo& a_info, const std::vector<int>& a_labels,
                    const UnitRecord& b, const IndexInfo& b_info,
                    const std::vector<int>& b_labels) {
  const std::vector<double> first = rates(a, a_info, a_labels), second = rates(b, b_info, b_labels);
  Agreement all{std::numeric_limits<double>::quiet_NaN(), false, token_overlap(a, b)};
  if (first.size() >= 3) all.labels = pearson(first, second);
  all.leader = !first.empty() && std::ranges::max_element(first) - first.begin() ==
                                     std::ranges::max_element(second) - second.begin();
  return all;
}

IndexDiff compare_indexes(const ExpertIndex& a, const ExpertIndex& b, int64_t least_uses,
                          size_t worst) {
  if (!same_model(a, b)) {
    throw Error(ErrorCode::kInvalidArgument, {"comparing " + a.path() + " and " + b.path(),
                                              "indexes of different models", "one model", ""});
  }
  Comparison comparison(a, b, least_uses);
  comparison.run();
  return comparison.take(worst);
}

}  // namespace expertoire
