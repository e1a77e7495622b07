#include "cli/label_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace expertoire::cli {
namespace {

using nlohmann::json;

json number(double value) { return std::isnan(value) ? json() : json(value); }

json describe(const TaskCounts& counts) {
  json all;
  for (size_t task = 0; task < counts.size(); ++task) {
    const LabelCounts& one = counts[task];
    all[std::string(kLabelTaskNames[task])] = {{"active", one.active},
                                               {"active_right", one.active_right},
                                               {"controls", one.others},
                                               {"controls_right", one.others_right},
                                               {"controls_known", one.known}};
  }
  return all;
}

json describe(const LabelScore& score, const TaskCounts& counts) {
  return {{"balanced_accuracy", number(score.accuracy)},
          {"low", score.low},
          {"high", score.high},
          {"p", score.p},
          {"q", score.q},
          {"items", both(counts).items()},
          {"right", both(counts).right()},
          {"reliable", score.reliable},
          {"tasks", describe(counts)}};
}

struct Summary {
  int64_t scored = 0, reliable = 0, good = 0, shuffled_reliable = 0;
  int64_t controls = 0, known = 0;
  double accuracy = 0, shuffled_accuracy = 0, replication = 0, shuffled_replication = 0;
};

constexpr double kGood = 0.8;

Summary summarize(const LabelReport& report) {
  Summary sum;
  for (const LabelledUnit& unit : report.units) {
    const LabelCounts counts = both(unit.counts);
    sum.replication += unit.replication;
    sum.shuffled_replication += unit.shuffled_replication;
    if (counts.items() < report.options.rule.least_items) continue;
    ++sum.scored;
    sum.reliable += unit.score.reliable ? 1 : 0;
    sum.good += unit.score.reliable && unit.score.accuracy >= kGood ? 1 : 0;
    sum.shuffled_reliable += unit.shuffled_score.reliable ? 1 : 0;
    sum.accuracy += unit.score.accuracy;
    if (report.options.shuffled) sum.shuffled_accuracy += unit.shuffled_score.accuracy;
    sum.controls += counts.others;
    sum.known += counts.known;
  }
  const auto all = static_cast<double>(std::max<size_t>(report.units.size(), 1));
  const auto scored = static_cast<double>(std::max<int64_t>(sum.scored, 1));
  sum.replication /= all;
  sum.shuffled_replication /= all;
  sum.accuracy /= scored;
  sum.shuffled_accuracy /= scored;
  return sum;
}

}  // namespace

json LabelReport::to_json() const {
  const Summary sum = summarize(*this);
  json all = {{"method", method},
              {"index", index.path()},
              {"held_out", held_out.path()},
              {"how", how},
              {"experts", units.size()},
              {"scored", sum.scored},
              {"reliable", sum.reliable},
              {"reliable_and_accurate", sum.good},
              {"mean_balanced_accuracy", sum.accuracy},
              {"controls", sum.controls},
              {"controls_known", sum.known},
              {"replication", sum.replication},
              {"shuffled_replication", sum.shuffled_replication},
              {"labels", json::array()}};
  if (options.shuffled) {
    all["shuffled_reliable"] = sum.shuffled_reliable;
    all["shuffled_balanced_accuracy"] = sum.shuffled_accuracy;
  }
  for (const LabelledUnit& unit : units) {
    json label = describe(unit.score, unit.counts);
    label["expert"] = index.units().name(unit.unit);
    label["text"] = unit.text;
    label["mostly_in"] = unit.topic;
    label["replication"] = unit.replication;
    if (options.shuffled) label["shuffled"] = describe(unit.shuffled_score, unit.shuffled);
    all["labels"].push_back(std::move(label));
  }
  return all;
}

std::string LabelReport::text() const {
  std::string out;
  for (const LabelledUnit& unit : units) {
    const LabelScore& score = unit.score;
    const std::string verdict = both(unit.counts).items() == 0
                                    ? "not scored"
                                    : fmt::format("{:.2f} [{:.2f}, {:.2f}] of {}", score.accuracy,
                                                  score.low, score.high, both(unit.counts).items());
    out += fmt::format("{}{}  {}  {}\n", index.units().name(unit.unit),
                       score.reliable ? "" : "  (unreliable)", verdict, unit.text);
  }
  const Summary sum = summarize(*this);
  const LabelRule& rule = options.rule;
  out += fmt::format(
      "\n{} experts; {} scored on {} held-out items or more; mean balanced accuracy {:.3f}\n"
      "{} labels are reliable (lower bound {} or more, Benjamini-Hochberg at {:.0f} %), {} of them "
      "with a balanced accuracy of {} or more\n",
      units.size(), sum.scored, rule.least_items, sum.accuracy, sum.reliable, rule.least_low,
      100 * rule.false_discovery, sum.good, kGood);
  if (options.shuffled) {
    out += fmt::format("with labels shuffled among the experts: {} reliable, mean {:.3f}\n",
                       sum.shuffled_reliable, sum.shuffled_accuracy);
  }
  out += fmt::format(
      "words of labels from one index and the other: {:.0f} % the same (of two different experts: "
      "{:.0f} %)\nof {} controls the index knows for {} that their document does not hold the "
      "expert, of the others that they are none of its top contexts\n",
      100 * sum.replication, 100 * sum.shuffled_replication, sum.controls, sum.known);
  return out;
}

std::vector<UnitLabel> LabelReport::rows(const std::string& made) const {
  std::vector<UnitLabel> rows;
  const auto corpus = held_out.info().provenance.find("corpus_hash");
  for (const LabelledUnit& unit : units) {
    json source = how;
    source["held_out"] = std::filesystem::path(held_out.path()).filename().string();
    if (corpus != held_out.info().provenance.end()) source["held_out_corpus"] = corpus->second;
    source["tasks"] = describe(unit.counts);
    source["q"] = unit.score.q;
    source["replication"] = unit.replication;
    source["mostly_in"] = unit.topic;
    UnitLabel row;
    row.unit = index.units().number(unit.unit);
    row.method = method;
    row.text = unit.text;
    row.items = both(unit.counts).items();
    if (row.items > 0) {
      row.score = unit.score.accuracy;
      row.low = unit.score.low;
      row.high = unit.score.high;
      row.p = unit.score.p;
    }
    row.reliable = unit.score.reliable;
    row.source = source.dump();
    row.made = made;
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace expertoire::cli
