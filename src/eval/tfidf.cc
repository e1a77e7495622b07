#include "eval/tfidf.h"

#include <cmath>

namespace expertoire {
namespace {

bool word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

SparseVector counts(const std::string& text) {
  SparseVector found;
  std::string word;
  for (size_t i = 0; i <= text.size(); ++i) {
    char c = i < text.size() ? text[i] : ' ';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (word_byte(c)) {
      word += c;
      continue;
    }
    if (word.size() >= 2) found[word] += 1;
    word.clear();
  }
  return found;
}

}  // namespace

std::vector<SparseVector> tfidf(const std::vector<std::string>& texts) {
  std::vector<SparseVector> vectors;
  std::map<std::string, double> texts_with;
  for (const std::string& text : texts) {
    vectors.push_back(counts(text));
    for (const auto& [word, count] : vectors.back()) texts_with[word] += 1;
  }
  for (SparseVector& vector : vectors) {
    double square = 0;
    for (auto& [word, weight] : vector) {
      weight *= std::log((1.0 + static_cast<double>(texts.size())) / (1.0 + texts_with[word])) + 1;
      square += weight * weight;
    }
    for (auto& [word, weight] : vector) weight /= std::sqrt(square);
  }
  return vectors;
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
