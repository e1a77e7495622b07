#include "analysis/domain_experts.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/error.h"
#include "base/thread_pool.h"

namespace expertoire {
namespace {

constexpr int64_t kEntriesAtOnce = int64_t{1} << 25;  // bounds the stored masses in memory
constexpr int64_t kUnitsATask = 64;

void check(const UnitTable& units, const DomainOptions& options) {
  if (!(options.wanted() >= 1)) {
    throw Error(ErrorCode::kInvalidArgument,
                {"selecting experts of domains", fmt::format("factor {}", options.factor),
                 "1 or more", ""});
  }
  const bool keys =
      std::ranges::any_of(units.layers(), [](const IndexedLayer& layer) { return layer.keys > 0; });
  if (options.kind != UnitKind::kExpert && !keys) {
    throw Error(ErrorCode::kInvalidArgument,
                {"selecting keys of domains", "a model whose routers choose experts",
                 "factored routing", "select experts"});
  }
}

// A selection in the making.
class Selector {
 public:
  Selector(const ExpertIndex& index, const DomainGroups& groups, const DomainOptions& options)
      : index_(index),
        options_(options),
        labels_(index.info().labels.size()),
        domains_(indexed_domains(groups, index.info().labels, index.info().label_tokens,
                                 index.info().label_documents)) {}

  DomainSelection run(const ProgressSink& progress) {
    apply_plain_rule();
    count_stored();
    read_documents();
    const DomainBootstrap bootstrap(documents_, domains_.of_label,
                                    static_cast<int>(domains_.names.size()), options_.bootstrap);
    ThreadPool pool(options_.threads);
    for (size_t begin = 0; begin < asked_.size();) {
      const size_t end = batch_end(begin);
      read_masses(begin, end);
      bound(bootstrap, pool, begin, end, progress);
      begin = end;
    }
    return {std::move(domains_), std::move(experts_)};
  }

 private:
  // Units of the kind whose rates meet the rule; those that enough documents hold are asked about.
  void apply_plain_rule() {
    asked_of_.assign(static_cast<size_t>(index_.units().size()), -1);
    std::vector<double> rates(domains_.names.size());
    std::vector<int64_t> documents(domains_.names.size());
    index_.for_each([&](const UnitRecord& record) {
      if (record.unit.kind != options_.kind) return;
      std::ranges::fill(rates, 0.0);
      std::ranges::fill(documents, 0);
      for (size_t label = 0; label < labels_; ++label) {
        if (domains_.of_label[label] < 0) continue;
        const auto domain = static_cast<size_t>(domains_.of_label[label]);
        rates[domain] += record.labels[label].mass / static_cast<double>(domains_.tokens[domain]);
        documents[domain] += record.labels[label].documents;
      }
      const auto lead = leading_domain(rates, options_.wanted());
      if (!lead) return;
      const int64_t unit = index_.units().number(record.unit);
      const int64_t held = documents[static_cast<size_t>(lead->first)];
      if (held >= options_.least_documents) ask(record, unit);
      experts_.push_back({unit, *lead, held, std::nullopt, false});
    });
  }

  void ask(const UnitRecord& record, int64_t unit) {
    asked_of_[static_cast<size_t>(unit)] = static_cast<int32_t>(asked_.size());
    asked_.push_back(experts_.size());
    for (const LabelUse& use : record.labels) rest_.push_back(use.mass);
  }

  template <class Take>
  void for_each_stored(const Take& take) const {
    int32_t place = 0;
    index_.for_each_document([&](int32_t, int label, int64_t, std::span<const int32_t> units,
                                 std::span<const float> masses) {
      for (size_t i = 0; i < units.size(); ++i) {
        const int32_t asked = asked_of_.at(static_cast<size_t>(units[i]));
        if (asked >= 0) take(static_cast<size_t>(asked), label, place, masses[i]);
      }
      ++place;
    });
  }

  // What is left of the labels' masses is not stored by document.
  void count_stored() {
    stored_.assign(asked_.size(), 0);
    for_each_stored([&](size_t asked, int label, int32_t, float mass) {
      ++stored_[asked];
      rest_[asked * labels_ + static_cast<size_t>(label)] -= mass;
    });
    for (size_t i = 0; i < rest_.size(); ++i) {
      const auto tokens = static_cast<double>(index_.info().label_tokens[i % labels_]);
      rest_[i] = tokens > 0 ? std::max(rest_[i], 0.0) / tokens : 0;
    }
  }

  void read_documents() {
    index_.for_each_document(
        [&](int32_t, int label, int64_t tokens, std::span<const int32_t>, std::span<const float>) {
          documents_.push_back({domains_.of_label.at(static_cast<size_t>(label)), label, tokens});
        });
  }

  size_t batch_end(size_t begin) const {
    int64_t entries = stored_[begin];
    size_t end = begin + 1;
    while (end < asked_.size() && entries + stored_[end] <= kEntriesAtOnce) {
      entries += stored_[end++];
    }
    return end;
  }

  void read_masses(size_t begin, size_t end) {
    first_.assign(end - begin + 1, 0);
    std::partial_sum(stored_.begin() + static_cast<std::ptrdiff_t>(begin),
                     stored_.begin() + static_cast<std::ptrdiff_t>(end), first_.begin() + 1);
    places_.resize(static_cast<size_t>(first_.back()));
    masses_.resize(places_.size());
    std::vector<int64_t> next = first_;
    for_each_stored([&](size_t asked, int, int32_t place, float mass) {
      if (asked < begin || asked >= end) return;
      const auto at = static_cast<size_t>(next[asked - begin]++);
      places_[at] = place;
      masses_[at] = mass;
    });
  }

  void bound(const DomainBootstrap& bootstrap, ThreadPool& pool, size_t begin, size_t end,
             const ProgressSink& progress) {
    const auto units = static_cast<int64_t>(end - begin);
    constexpr int64_t kTasksAtOnce = 64;
    for (int64_t done = 0; done < units; done += kTasksAtOnce * kUnitsATask) {
      const int64_t left = std::min(units - done, kTasksAtOnce * kUnitsATask);
      pool.parallel_for((left + kUnitsATask - 1) / kUnitsATask, [&](int64_t task, int) {
        const int64_t from = done + task * kUnitsATask;
        for (int64_t i = from; i < std::min(from + kUnitsATask, done + left); ++i) {
          bound_one(bootstrap, begin, static_cast<size_t>(i));
        }
      });
      if (progress) {
        progress(static_cast<int64_t>(begin) + done + left, static_cast<int64_t>(asked_.size()));
      }
    }
  }

  void bound_one(const DomainBootstrap& bootstrap, size_t begin, size_t i) {
    const auto from = static_cast<size_t>(first_[i]);
    const auto count = static_cast<size_t>(first_[i + 1]) - from;
    DomainExpert& expert = experts_[asked_[begin + i]];
    const Interval share = bootstrap.share(
        expert.lead.first,
        {std::span(places_).subspan(from, count), std::span(masses_).subspan(from, count),
         std::span(rest_).subspan((begin + i) * labels_, labels_)});
    expert.ratio_low = share.high > 0 ? 1 / share.high : std::numeric_limits<double>::infinity();
    expert.qualifies = *expert.ratio_low >= options_.wanted();
  }

  const ExpertIndex& index_;
  const DomainOptions& options_;
  size_t labels_;
  IndexedDomains domains_;
  std::vector<DomainExpert> experts_;
  std::vector<size_t> asked_;      // places in experts_ of units that need the bootstrap
  std::vector<int32_t> asked_of_;  // [units]: place in asked_, or -1
  std::vector<double> rest_;       // [asked, labels]: mass, then mass a token, not stored
  std::vector<int64_t> stored_;    // [asked]: documents with a stored mass
  std::vector<DrawnDocument> documents_;
  std::vector<int64_t> first_;   // of a batch: where a unit's masses begin
  std::vector<int32_t> places_;  // documents, by unit
  std::vector<float> masses_;
};

}  // namespace

DomainSelection select_domain_experts(const ExpertIndex& index, const DomainGroups& groups,
                                      const DomainOptions& options, const ProgressSink& progress) {
  check(index.units(), options);
  return Selector(index, groups, options).run(progress);
}

std::vector<std::vector<DomainCount>> count_by_layer(const DomainSelection& selection,
                                                     const UnitTable& units) {
  std::vector<std::vector<DomainCount>> counts(
      units.layers().size(), std::vector<DomainCount>(selection.domains.names.size()));
  for (const DomainExpert& expert : selection.experts) {
    const auto layer =
        std::ranges::find(units.layers(), units.unit(expert.unit).layer, &IndexedLayer::layer);
    DomainCount& count = counts[static_cast<size_t>(layer - units.layers().begin())]
                               [static_cast<size_t>(expert.lead.first)];
    ++count.plain;
    if (expert.qualifies) ++count.qualified;
  }
  return counts;
}

double DomainAgreement::jaccard() const {
  const int64_t either = first + second - both;
  return either == 0 ? 0 : static_cast<double>(both) / static_cast<double>(either);
}

std::vector<DomainAgreement> agreement(const DomainSelection& first, const DomainSelection& second,
                                       bool qualified) {
  std::vector<DomainAgreement> rows;
  std::vector<int> row_of_first, row_of_second(second.domains.names.size(), -1);
  for (const std::string& name : first.domains.names) {
    const int there = second.domains.find(name);
    row_of_first.push_back(there < 0 ? -1 : static_cast<int>(rows.size()));
    if (there < 0) continue;
    row_of_second[static_cast<size_t>(there)] = static_cast<int>(rows.size());
    rows.push_back({name, 0, 0, 0});
  }
  const auto row_of = [&](const DomainExpert& expert, const std::vector<int>& rows_of) {
    return qualified && !expert.qualifies ? -1 : rows_of[static_cast<size_t>(expert.lead.first)];
  };
  std::map<int64_t, int> of_first;  // unit → row
  for (const DomainExpert& expert : first.experts) {
    const int row = row_of(expert, row_of_first);
    if (row < 0) continue;
    ++rows[static_cast<size_t>(row)].first;
    of_first.emplace(expert.unit, row);
  }
  for (const DomainExpert& expert : second.experts) {
    const int row = row_of(expert, row_of_second);
    if (row < 0) continue;
    ++rows[static_cast<size_t>(row)].second;
    const auto found = of_first.find(expert.unit);
    if (found != of_first.end() && found->second == row) ++rows[static_cast<size_t>(row)].both;
  }
  return rows;
}

}  // namespace expertoire
