#include "eval/tfidf.h"

#include <algorithm>
#include <cmath>

namespace expertoire {
namespace {

bool word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

SparseVector counts(const std::string& text) {
  SparseVector found;
  for (const std::string& word : words_of(text)) found[word] += 1;
  return found;
}

std::vector<SparseVector> count_all(const std::vector<std::string>& texts) {
  std::vector<SparseVector> all;
  for (const std::string& text : texts) all.push_back(counts(text));
  return all;
}

// From counts to unit vectors; a text without words stays empty.
std::vector<SparseVector> weigh(std::vector<SparseVector> vectors) {
  std::map<std::string, double> texts_with;
  for (const SparseVector& vector : vectors) {
    for (const auto& [word, count] : vector) texts_with[word] += 1;
  }
  const double texts = static_cast<double>(vectors.size());
  for (SparseVector& vector : vectors) {
    double square = 0;
    for (auto& [word, weight] : vector) {
      weight *= std::log((1.0 + texts) / (1.0 + texts_with[word])) + 1;
      square += weight * weight;
    }
    for (auto& [word, weight] : vector) weight /= std::sqrt(square);
  }
  return vectors;
}

// The words that get a column, and which one.
std::map<std::string, size_t> most_frequent(const std::vector<SparseVector>& counted, size_t most) {
  SparseVector totals;
  for (const SparseVector& vector : counted) {
    for (const auto& [word, count] : vector) totals[word] += count;
  }
  std::vector<std::pair<std::string, double>> words(totals.begin(), totals.end());
  std::stable_sort(words.begin(), words.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  words.resize(std::min(most, words.size()));
  std::map<std::string, size_t> columns;
  for (const auto& [word, count] : words) columns.emplace(word, 0);
  size_t next = 0;
  for (auto& [word, column] : columns) column = next++;
  return columns;
}

}  // namespace

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  for (size_t i = 0; i <= text.size(); ++i) {
    char c = i < text.size() ? text[i] : ' ';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (word_byte(c)) {
      word += c;
      continue;
    }
    if (word.size() >= 2) words.push_back(word);
    word.clear();
  }
  return words;
}

std::vector<SparseVector> tfidf(const std::vector<std::string>& texts) {
  return weigh(count_all(texts));
}

TextVectors tfidf_rows(const std::vector<std::string>& texts, size_t most_words) {
  std::vector<SparseVector> counted = count_all(texts);
  const std::map<std::string, size_t> columns = most_frequent(counted, most_words);
  for (SparseVector& vector : counted) {
    std::erase_if(vector, [&](const auto& entry) { return !columns.contains(entry.first); });
  }
  TextVectors rows(static_cast<int64_t>(columns.size()));
  std::vector<float> row(columns.size());
  for (const SparseVector& vector : weigh(std::move(counted))) {
    std::fill(row.begin(), row.end(), 0.0F);
    for (const auto& [word, weight] : vector) row[columns.at(word)] = static_cast<float>(weight);
    rows.append(row);
  }
  return rows;
}

double sparse_dot(const SparseVector& a, const SparseVector& b) {
  if (b.size() < a.size()) return sparse_dot(b, a);
  double sum = 0;
  for (const auto& [word, weight] : a) {
    if (const auto found = b.find(word); found != b.end()) sum += weight * found->second;
  }
  return sum;
}

}  // namespace expertoire
