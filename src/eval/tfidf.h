// TF-IDF, the control that any embedding has to beat.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "eval/text_table.h"

namespace expertoire {

/// The words that TF-IDF counts, in order: lower case, of two or more letters, digits or
/// underscores, where bytes above ASCII are taken as letters.
std::vector<std::string> words_of(const std::string& text);

/// Word → weight.
using SparseVector = std::map<std::string, double>;

/// Unit vectors of tf · (ln((1 + n) / (1 + df)) + 1), as scikit-learn's TfidfVectorizer with its
/// defaults on ASCII text (words_of).
std::vector<SparseVector> tfidf(const std::vector<std::string>& texts);

/// The same with only the `most_words` words that occur most often in all texts together
/// (max_features; of words that occur equally often, the first by bytes), as rows of numbers.
TextVectors tfidf_rows(const std::vector<std::string>& texts, size_t most_words);

double sparse_dot(const SparseVector& a, const SparseVector& b);

}  // namespace expertoire
