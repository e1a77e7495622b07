#include "eval/text_table.h"

#include <cmath>

namespace expertoire {

size_t TextTable::add(const std::string& text) {
  const auto [found, fresh] = rows_.emplace(text, texts_.size());
  if (fresh) texts_.push_back(text);
  return found->second;
}

void TextVectors::append(std::span<const float> vector) {
  values.insert(values.end(), vector.begin(), vector.end());
}

std::span<const float> TextVectors::row(size_t text) const {
  return std::span(values).subspan(text * static_cast<size_t>(dim), static_cast<size_t>(dim));
}

double cosine(std::span<const float> a, std::span<const float> b) {
  double dot = 0, square_a = 0, square_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double x = a[i], y = b[i];
    dot += x * y;
    square_a += x * x;
    square_b += y * y;
  }
  return square_a == 0 || square_b == 0 ? 0 : dot / std::sqrt(square_a * square_b);
}

}  // namespace expertoire
