#include "eval/error_analysis.h"

#include <cmath>

#include "eval/correlation.h"

namespace expertoire {
namespace {

// Places from 0 to 1.
std::vector<double> places(const std::vector<double>& values) {
  std::vector<double> all = ranks(values);
  for (double& rank : all) rank = (rank - 1) / std::max(1.0, static_cast<double>(all.size()) - 1);
  return all;
}

std::vector<double> absolute(std::vector<double> values) {
  for (double& value : values) value = std::abs(value);
  return values;
}

}  // namespace

std::vector<double> rank_errors(const std::vector<double>& gold,
                                const std::vector<double>& similarity) {
  const std::vector<double> right = places(gold);
  std::vector<double> errors = places(similarity);
  for (size_t i = 0; i < errors.size(); ++i) errors[i] -= right[i];
  return errors;
}

EvalResult error_shares(const std::vector<double>& gold, const PartSimilarities& similarities,
                        const std::vector<double>& lengths, const ErrorOptions& options) {
  const std::vector<double> hidden = absolute(rank_errors(gold, similarities.hidden)),
                            routing = absolute(rank_errors(gold, similarities.routing)),
                            sum = absolute(rank_errors(gold, similarities.sum));
  std::map<std::string, std::vector<double>> shares;
  for (size_t i = 0; i < gold.size(); ++i) {
    const bool by_hidden = hidden[i] <= options.tolerance,
               by_routing = routing[i] <= options.tolerance;
    shares["both_right"].push_back(by_hidden && by_routing ? 1 : 0);
    shares["only_hidden"].push_back(by_hidden && !by_routing ? 1 : 0);
    shares["only_routing"].push_back(!by_hidden && by_routing ? 1 : 0);
    shares["neither"].push_back(!by_hidden && !by_routing ? 1 : 0);
    shares["one_right"].push_back(by_hidden != by_routing ? 1 : 0);
    shares["sum_right"].push_back(sum[i] <= options.tolerance ? 1 : 0);
  }
  EvalResult result{.task = "errors", .main = "one_right"};
  result.n = static_cast<int64_t>(gold.size());
  for (const auto& [name, values] : shares) {
    result.scores[name] = EvalScore::mean_of(values, options.bootstrap);
    result.items[name] = values;
  }
  result.details = {{"tolerance", options.tolerance},
                    {"length_and_hidden_error", spearman(lengths, hidden)},
                    {"length_and_routing_error", spearman(lengths, routing)}};
  return result;
}

}  // namespace expertoire
