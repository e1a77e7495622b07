// L2-regularised logistic regression, as scikit-learn's LogisticRegression fits it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "eval/sparse_rows.h"
#include "eval/text_table.h"

namespace expertoire {

struct LogisticOptions {
  int max_iterations = 100;
  double tolerance = 1e-4;  ///< of the largest element of the gradient
};

/// Minimises mean log loss + |W|² / (2 n) (C = 1; intercepts are free) by L-BFGS from zero: one
/// vector of weights for two classes, softmax over as many as classes for more.
class LogisticRegression {
 public:
  /// `rows` of `vectors` with their `classes` in [0, count), count ≥ 2.
  /// Errors: kNumeric when the optimiser fails (values that are not finite).
  LogisticRegression(const TextVectors& vectors, std::span<const size_t> rows,
                     std::span<const uint32_t> classes, uint32_t count,
                     const LogisticOptions& options = {});
  LogisticRegression(const SparseRows& vectors, std::span<const size_t> rows,
                     std::span<const uint32_t> classes, uint32_t count,
                     const LogisticOptions& options = {});

  /// The most probable class; of equals the first.
  uint32_t predict(std::span<const float> vector) const;
  /// Of two classes, the probability of class 1 for a row.
  double probability(const SparseRows& vectors, size_t row) const;
  double probability(const TextVectors& vectors, size_t row) const;

 private:
  template <class Vectors>
  void fit(const Vectors& vectors, std::span<const size_t> rows, std::span<const uint32_t> classes,
           const LogisticOptions& options);

  size_t columns_;               // 1 for two classes
  std::vector<double> weights_;  // [dim + 1, columns]; the last row holds the intercepts
};

}  // namespace expertoire
