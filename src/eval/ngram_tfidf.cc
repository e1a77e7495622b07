#include "eval/ngram_tfidf.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "eval/tfidf.h"

namespace expertoire {
namespace {

// Every run of up to `longest` words, as often as it stands there.
std::map<std::string, double> count_runs(const std::string& text, int longest) {
  const std::vector<std::string> words = words_of(text);
  std::map<std::string, double> counts;
  for (size_t i = 0; i < words.size(); ++i) {
    std::string run;
    const size_t end = std::min(words.size(), i + static_cast<size_t>(longest));
    for (size_t j = i; j < end; ++j) {
      run += (j > i ? " " : "") + words[j];
      counts[run] += 1;
    }
  }
  return counts;
}

}  // namespace

NgramTfidf::NgramTfidf(std::span<const std::string> texts, const NgramOptions& options)
    : options_(options) {
  std::map<std::string, int64_t> texts_with;
  for (const std::string& text : texts) {
    for (const auto& [run, count] : count_runs(text, options.longest)) ++texts_with[run];
  }
  const double all = static_cast<double>(texts.size());
  for (const auto& [run, count] : texts_with) {
    if (count < options.least_texts) continue;
    columns_.emplace(run, static_cast<uint32_t>(weights_.size()));
    weights_.push_back(std::log((1.0 + all) / (1.0 + static_cast<double>(count))) + 1);
  }
}

SparseRows NgramTfidf::transform(std::span<const std::string> texts) const {
  SparseRows rows;
  rows.dim = dim();
  for (const std::string& text : texts) {
    std::vector<std::pair<uint32_t, double>> found;
    double square = 0;
    for (const auto& [run, count] : count_runs(text, options_.longest)) {
      const auto column = columns_.find(run);
      if (column == columns_.end()) continue;
      const double value = count * weights_[column->second];
      found.emplace_back(column->second, value);
      square += value * value;
    }
    std::vector<std::pair<uint32_t, float>> unit;
    for (const auto& [column, value] : found) {
      unit.emplace_back(column, static_cast<float>(value / std::sqrt(square)));
    }
    rows.append(unit);
  }
  return rows;
}

}  // namespace expertoire
