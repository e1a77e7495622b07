// The texts of an evaluation, each once, and their vectors.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace expertoire {

/// Texts in the order in which they first came.
class TextTable {
 public:
  /// The row of a text: its own, or that of the same text before.
  size_t add(const std::string& text);
  const std::vector<std::string>& texts() const { return texts_; }
  size_t size() const { return texts_.size(); }

 private:
  std::vector<std::string> texts_;
  std::unordered_map<std::string, size_t> rows_;
};

/// A vector for each text of a TextTable.
struct TextVectors {
  int64_t dim = 0;
  std::vector<float> values;  ///< [texts, dim]

  TextVectors() = default;
  explicit TextVectors(int64_t dimension) : dim(dimension) {}
  void append(std::span<const float> vector);
  std::span<const float> row(size_t text) const;
  size_t size() const { return dim == 0 ? 0 : values.size() / static_cast<size_t>(dim); }
};

/// Cosine in double; 0 when a vector is zero, as scikit-learn's normalize() makes it.
double cosine(std::span<const float> a, std::span<const float> b);

}  // namespace expertoire
