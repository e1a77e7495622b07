#include "eval/summarization.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "base/error.h"
#include "eval/correlation.h"

namespace expertoire {
namespace {

// How alike two texts are.
using Likeness = std::function<double(size_t a, size_t b)>;

// Of each machine summary to the nearest human one.
std::vector<double> nearness(const RatedSummaries& text, const Likeness& likeness) {
  std::vector<double> best;
  for (const size_t machine : text.machine) {
    double value = -std::numeric_limits<double>::infinity();
    for (const size_t human : text.human) value = std::max(value, likeness(machine, human));
    best.push_back(value);
  }
  return best;
}

EvalResult result_of(const SummarySet& set, const Likeness& likeness, SummaryRules rules,
                     const BootstrapOptions& bootstrap) {
  const auto counted = [&](double r, size_t n) {
    return rules == SummaryRules::kMteb ? r : (r + correlation_p_value(r, n)) / 2;
  };
  std::vector<double> spearmans, pearsons;
  for (const RatedSummaries& text : set.texts) {
    const std::vector<double> near = nearness(text, likeness);
    const double rho = spearman(text.ratings, near);
    if (std::isnan(rho)) continue;  // constant
    spearmans.push_back(counted(rho, near.size()));
    pearsons.push_back(counted(pearson(text.ratings, near), near.size()));
  }
  if (spearmans.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                {"scoring " + set.dataset, "no text whose ratings and similarities differ",
                 "two machine summaries or more with different ratings",
                 "name the ratings with --relevance-field"});
  }
  EvalResult result{.task = "summarization", .dataset = set.dataset, .main = "spearman"};
  result.n = static_cast<int64_t>(spearmans.size());
  result.scores = {{"spearman", EvalScore::mean_of(spearmans, bootstrap)},
                   {"pearson", EvalScore::mean_of(pearsons, bootstrap)}};
  result.details = set.counts.left_out();
  result.details["constant"] = set.texts.size() - spearmans.size();
  if (rules == SummaryRules::kPaper) result.details["rules"] = "paper";
  result.items = {{"spearman", spearmans}, {"pearson", pearsons}};
  return result;
}

}  // namespace

SummarySet SummarySet::read(const std::string& path, const RowOptions& options, TextTable& texts) {
  SummarySet set;
  set.dataset = dataset_name(path);
  set.counts = read_rows(path, options, [&](const DataRow& row) {
    const auto human = row.texts("human_summaries"), machine = row.texts("machine_summaries");
    RatedSummaries text;
    text.ratings = row.numbers("relevance");
    if (human.empty() || machine.size() != text.ratings.size()) {
      row.refuse(std::to_string(machine.size()) + " machine summaries, " +
                     std::to_string(text.ratings.size()) + " ratings, " +
                     std::to_string(human.size()) + " human summaries",
                 "a rating for each machine summary, and a human summary");
    }
    for (const std::string& one : human) text.human.push_back(texts.add(one));
    for (const std::string& one : machine) text.machine.push_back(texts.add(one));
    set.texts.push_back(std::move(text));
  });
  return set;
}

EvalResult score_summaries(const SummarySet& set, const TextVectors& vectors, SummaryRules rules,
                           const BootstrapOptions& bootstrap) {
  const auto likeness = [&](size_t a, size_t b) { return cosine(vectors.row(a), vectors.row(b)); };
  return result_of(set, likeness, rules, bootstrap);
}

EvalResult score_summaries(const SummarySet& set, const SumParts& parts, SummaryRules rules,
                           const BootstrapOptions& bootstrap) {
  const auto likeness = [&](size_t a, size_t b) { return summed_cosine(parts, a, b); };
  return result_of(set, likeness, rules, bootstrap);
}

}  // namespace expertoire
