#include "analysis/label_study.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "analysis/word_labeller.h"
#include "base/error.h"
#include "eval/bootstrap.h"

namespace expertoire {
namespace {

[[noreturn]] void refuse(const std::string& found, const std::string& expected,
                         const std::string& advice = "") {
  throw Error(ErrorCode::kInvalidArgument, {"labelling experts", found, expected, advice});
}

std::set<std::pair<std::string, int64_t>> documents(const ExpertIndex& index) {
  std::set<std::pair<std::string, int64_t>> all;
  Statement rows = index.database().prepare("SELECT name, tokens FROM documents");
  while (rows.step()) all.insert({rows.text(0), rows.integer(1)});
  return all;
}

std::vector<ContextPlace> places_of(std::span<const UnitRecord> records) {
  std::vector<ContextPlace> places;
  for (const UnitRecord& record : records) {
    for (const Context& context : record.contexts) {
      places.push_back({context.document, context.position});
    }
  }
  return places;
}

// Everyone gets the one after it in a random circle: nobody itself, unless alone.
std::vector<uint32_t> shuffled_circle(size_t count, uint64_t seed) {
  std::vector<uint32_t> circle = each_item(count);
  RandomState(static_cast<uint32_t>(seed)).shuffle(std::span(circle));
  std::vector<uint32_t> other(count);
  for (size_t i = 0; i < count; ++i) other[circle[i]] = circle[(i + 1) % count];
  return other;
}

// The windows of each record's contexts.
std::vector<std::vector<ContextWindow>> windows_of(const ExpertIndex& index,
                                                   std::span<const UnitRecord> records) {
  std::vector<ContextWindow> all = read_windows(index, places_of(records));
  std::vector<std::vector<ContextWindow>> windows;
  auto next = all.begin();
  for (const UnitRecord& record : records) {
    const auto end = next + static_cast<std::ptrdiff_t>(record.contexts.size());
    windows.emplace_back(std::move_iterator(next), std::move_iterator(end));
    next = end;
  }
  return windows;
}

}  // namespace

std::string topic_of(const IndexInfo& info, const UnitRecord& unit) {
  for (size_t i = 0; i < unit.labels.size(); ++i) {
    const double share = unit.labels[i].mass / unit.mass;
    const double of_tokens =
        static_cast<double>(info.label_tokens[i]) / static_cast<double>(info.tokens);
    if (share >= 0.5 && share >= 2 * of_tokens) return info.labels[i];
  }
  return "";
}

std::vector<Unit> units_to_label(const ExpertIndex& index, const ExpertIndex& held_out, size_t most,
                                 const LabelRule& rule) {
  std::vector<UnitSummary> summaries = index.summaries();
  std::erase_if(summaries, [&](const UnitSummary& one) {
    return index.units().unit(one.number).kind != UnitKind::kExpert;
  });
  std::ranges::stable_sort(summaries, {}, [](const UnitSummary& one) { return -one.mass; });
  const int64_t needed = (rule.least_items + 1) / 2;
  std::set<int64_t> enough;
  Statement rows = held_out.database().prepare("SELECT id FROM units WHERE length(contexts) >= ?");
  rows.bind(needed * static_cast<int64_t>(sizeof(Context)));
  while (rows.step()) enough.insert(rows.integer(0));
  std::vector<Unit> units;
  for (const UnitSummary& one : summaries) {
    if (units.size() == most) break;
    if (enough.contains(one.number)) units.push_back(index.units().unit(one.number));
  }
  if (units.empty()) {
    refuse(fmt::format("no expert with {} contexts in {}", needed, held_out.path()),
           fmt::format("some: a label is scored on at least {} items", rule.least_items),
           fmt::format("index the held-out documents with --contexts {}, or more of them",
                       needed + 4));
  }
  return units;
}

void check_held_out(const ExpertIndex& index, const ExpertIndex& held_out) {
  if (!same_model(index, held_out)) {
    refuse(fmt::format("{} and {} are of different models", index.path(), held_out.path()),
           "two indexes of one model");
  }
  const auto here = documents(index), there = documents(held_out);
  std::vector<std::pair<std::string, int64_t>> shared;
  std::ranges::set_intersection(here, there, std::back_inserter(shared));
  if (!shared.empty()) {
    refuse(fmt::format("{} documents are in both indexes, {} for one", shared.size(),
                       shared.front().first),
           "held-out documents that the other index does not have",
           "make them with --hold-out and --part train, --part held-out");
  }
}

LabelStudy::LabelStudy(const ExpertIndex& index, const ExpertIndex& held_out,
                       std::span<const Unit> units, const LabelStudyOptions& options)
    : index_(index), held_out_(held_out), options_(options) {
  check_held_out(index, held_out);
  if (units.empty()) refuse("no experts", "one or more");
  std::set<int64_t> seen;
  for (const Unit& unit : units) {
    const std::string name = index.units().name(unit);
    if (!seen.insert(index.units().number(unit)).second)
      refuse(name + " is named twice", "each expert once");
    std::optional<UnitRecord> record = index.find(unit);
    if (!record) {
      refuse(fmt::format("{} was never used in {}", name, index.path()), "an expert with contexts");
    }
    records_.push_back(std::move(*record));
    UnitRecord unused;
    unused.unit = unit;
    unseen_.push_back(held_out.find(unit).value_or(unused));
  }
  other_ = shuffled_circle(units.size(), options.items.seed);
}

std::vector<UnitEvidence> LabelStudy::evidence(std::span<const UnitRecord> records,
                                               const ItemMaker& maker) const {
  std::vector<std::vector<ContextWindow>> windows = windows_of(index_, records);
  std::vector<std::vector<LabelItem>> items = maker.make(records);
  std::vector<UnitEvidence> all;
  for (size_t i = 0; i < records.size(); ++i) {
    all.push_back({records[i], std::move(windows[i]), std::move(items[i])});
  }
  return all;
}

void LabelStudy::run(Labeller& labeller, const ProgressSink& progress, const CancelToken* cancel) {
  const size_t count = records_.size();
  const auto batches = [&](const auto& work) {
    for (size_t begin = 0; begin < count; begin += options_.batch) {
      if (cancel != nullptr) cancel->check("labelling experts");
      work(begin, std::min(options_.batch, count - begin));
    }
  };
  find_replication();
  {
    const ItemMaker maker(index_, records_, options_.items);
    batches([&](size_t begin, size_t size) {
      labeller.learn(evidence(std::span(records_).subspan(begin, size), maker));
    });
  }
  const ItemMaker maker(held_out_, unseen_, options_.items);
  batches([&](size_t begin, size_t size) {
    const auto items = maker.make(std::span(unseen_).subspan(begin, size));
    for (size_t i = 0; i < size; ++i) {
      if (cancel != nullptr) cancel->check("labelling experts");
      LabelledUnit unit{records_[begin + i].unit, labeller.text(begin + i)};
      unit.counts = count_verdicts(items[i], labeller.judge(begin + i, items[i]));
      if (options_.shuffled) {
        unit.shuffled = count_verdicts(items[i], labeller.judge(other_[begin + i], items[i]));
      }
      const std::string topic = topic_of(index_.info(), records_[begin + i]);
      if (topic == topic_of(held_out_.info(), unseen_[begin + i])) unit.topic = topic;
      unit.replication = replication_[begin + i].own;
      unit.shuffled_replication = replication_[begin + i].shuffled;
      judged_.push_back(std::move(unit));
      if (progress) progress(static_cast<int64_t>(judged_.size()), static_cast<int64_t>(count));
    }
  });
}

void LabelStudy::find_replication() {
  Background here(index_), there(held_out_);
  std::vector<WordLabel> first, second;
  for (size_t i = 0; i < records_.size(); ++i) {
    const auto label = [](const ExpertIndex& index, Background& background,
                          const UnitRecord& record) {
      return background.label(record, read_windows(index, places_of({&record, 1})));
    };
    first.push_back(label(index_, here, records_[i]));
    second.push_back(label(held_out_, there, unseen_[i]));
  }
  for (size_t i = 0; i < records_.size(); ++i) {
    replication_.push_back({overlap(first[i], second[i]), overlap(first[i], second[other_[i]])});
  }
}

std::vector<LabelledUnit> LabelStudy::results() const {
  std::vector<LabelledUnit> results = judged_;
  std::vector<LabelCounts> own, shuffled;
  for (const LabelledUnit& unit : results) {
    own.push_back(both(unit.counts));
    shuffled.push_back(both(unit.shuffled));
  }
  const std::vector<LabelScore> scores = score_labels(own, options_.rule);
  const std::vector<LabelScore> controls = score_labels(shuffled, options_.rule);
  for (size_t i = 0; i < results.size(); ++i) {
    results[i].score = scores[i];
    results[i].shuffled_score = controls[i];
  }
  return results;
}

}  // namespace expertoire
