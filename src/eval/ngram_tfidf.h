// TF-IDF of words and of runs of words, learnt on some texts and applied to others.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "eval/sparse_rows.h"

namespace expertoire {

struct NgramOptions {
  int longest = 2;      ///< words of a run
  int least_texts = 2;  ///< runs in fewer texts have no column
};

/// scikit-learn's TfidfVectorizer(ngram_range=(1, longest), min_df=least_texts) on ASCII text;
/// bytes above ASCII are taken as letters (words_of).
class NgramTfidf {
 public:
  explicit NgramTfidf(std::span<const std::string> texts, const NgramOptions& options = {});

  int64_t dim() const { return static_cast<int64_t>(weights_.size()); }
  /// A unit vector for each text; one without a known run stays empty.
  SparseRows transform(std::span<const std::string> texts) const;

 private:
  NgramOptions options_;
  std::unordered_map<std::string, uint32_t> columns_;
  std::vector<double> weights_;  // ln((1 + n) / (1 + df)) + 1, by column
};

}  // namespace expertoire
