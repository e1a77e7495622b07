#include "eval/logistic_regression.h"

#include <fmt/format.h>
#include <lbfgs.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "base/error.h"

namespace expertoire {
namespace {

// A row of either form: its elements, or the columns and values of those that are not 0.
struct DenseRow {
  std::span<const float> values;

  template <class Use>
  void for_each(Use use) const {
    for (size_t i = 0; i < values.size(); ++i) use(i, static_cast<double>(values[i]));
  }
};
struct SparseRow {
  std::span<const uint32_t> columns;
  std::span<const float> values;

  template <class Use>
  void for_each(Use use) const {
    for (size_t i = 0; i < values.size(); ++i) use(columns[i], static_cast<double>(values[i]));
  }
};

DenseRow row_of(const TextVectors& vectors, size_t row) { return {vectors.row(row)}; }
SparseRow row_of(const SparseRows& vectors, size_t row) {
  const size_t begin = vectors.begin[row], count = vectors.begin[row + 1] - begin;
  return {std::span(vectors.columns).subspan(begin, count),
          std::span(vectors.values).subspan(begin, count)};
}

// logits[c] = intercept[c] + Σ_i x[i] · weights[i][c], for x of `dim` elements
template <class Row>
void logits_of(const Row& x, size_t dim, const double* weights, std::span<double> logits) {
  const size_t columns = logits.size();
  std::copy_n(weights + dim * columns, columns, logits.begin());
  x.for_each([&](size_t i, double value) {
    for (size_t c = 0; c < columns; ++c) logits[c] += value * weights[i * columns + c];
  });
}

double log1p_exp(double x) {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}

// Turns logits into d loss / d logits; returns the loss.
double loss_and_slope(std::span<double> logits, uint32_t truth) {
  if (logits.size() == 1) {
    const double x = logits[0];
    logits[0] = 1 / (1 + std::exp(-x)) - truth;
    return log1p_exp(x) - x * truth;
  }
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const double x : logits) sum += std::exp(x - largest);
  const double loss = std::log(sum) + largest - logits[truth];
  for (double& x : logits) x = std::exp(x - largest) / sum;
  logits[truth] -= 1;
  return loss;
}

template <class Vectors>
struct Problem {
  const Vectors& vectors;
  std::span<const size_t> rows;
  std::span<const uint32_t> classes;
  size_t columns;
  double tolerance;
  std::vector<double> logits = std::vector<double>(columns);

  size_t weights() const { return static_cast<size_t>(vectors.dim) * columns; }
  size_t parameters() const { return weights() + columns; }

  // `padded`: the optimiser's number of parameters; those behind parameters() do nothing.
  double evaluate(const double* w, double* gradient, size_t padded) {
    const double scale = 1.0 / static_cast<double>(rows.size());
    std::fill_n(gradient, padded, 0.0);
    double loss = 0;
    for (size_t n = 0; n < rows.size(); ++n) loss += scale * add_row(n, w, gradient, scale);
    for (size_t i = 0; i < weights(); ++i) {
      loss += 0.5 * scale * w[i] * w[i];
      gradient[i] += scale * w[i];
    }
    return loss;
  }

  double add_row(size_t n, const double* w, double* gradient, double scale) {
    const auto x = row_of(vectors, rows[n]);
    logits_of(x, static_cast<size_t>(vectors.dim), w, logits);
    const double loss = loss_and_slope(logits, classes[n]);
    x.for_each([&](size_t i, double element) {
      const double value = scale * element;
      for (size_t c = 0; c < columns; ++c) gradient[i * columns + c] += value * logits[c];
    });
    for (size_t c = 0; c < columns; ++c) gradient[weights() + c] += scale * logits[c];
    return loss;
  }
};

template <class Vectors>
double evaluate(void* problem, const double* w, double* gradient, int padded, double /*step*/) {
  return static_cast<Problem<Vectors>*>(problem)->evaluate(w, gradient,
                                                           static_cast<size_t>(padded));
}

// Stops where scipy's L-BFGS-B does. The parameters are liblbfgs's.
template <class Vectors>
// NOLINTNEXTLINE(readability-function-size)
int stop_when_flat(void* problem, const double* /*w*/, const double* gradient, double /*loss*/,
                   double /*w_norm*/, double /*gradient_norm*/, double /*step*/, int padded,
                   int /*iteration*/, int /*evaluations*/) {
  double largest = 0;
  for (int i = 0; i < padded; ++i) largest = std::max(largest, std::abs(gradient[i]));
  return largest <= static_cast<Problem<Vectors>*>(problem)->tolerance ? 1 : 0;
}

lbfgs_parameter_t parameters_of(const LogisticOptions& options) {
  lbfgs_parameter_t parameters;
  lbfgs_parameter_init(&parameters);
  parameters.m = 10;
  parameters.epsilon = 0;  // stop_when_flat decides
  parameters.past = 1;
  parameters.delta = 64 * std::numeric_limits<double>::epsilon();
  parameters.max_iterations = options.max_iterations;
  parameters.max_linesearch = 50;
  return parameters;
}

}  // namespace

LogisticRegression::LogisticRegression(const TextVectors& vectors, std::span<const size_t> rows,
                                       std::span<const uint32_t> classes, uint32_t count,
                                       const LogisticOptions& options)
    : columns_(count == 2 ? 1 : count) {
  fit(vectors, rows, classes, options);
}

LogisticRegression::LogisticRegression(const SparseRows& vectors, std::span<const size_t> rows,
                                       std::span<const uint32_t> classes, uint32_t count,
                                       const LogisticOptions& options)
    : columns_(count == 2 ? 1 : count) {
  fit(vectors, rows, classes, options);
}

template <class Vectors>
void LogisticRegression::fit(const Vectors& vectors, std::span<const size_t> rows,
                             std::span<const uint32_t> classes, const LogisticOptions& options) {
  Problem<Vectors> problem{vectors, rows, classes, columns_, options.tolerance};
  const size_t used = problem.parameters(), padded = (used + 15) / 16 * 16;  // liblbfgs with SSE
  const std::unique_ptr<double, void (*)(double*)> w(lbfgs_malloc(static_cast<int>(padded)),
                                                     lbfgs_free);
  if (!w) throw std::bad_alloc();
  std::fill_n(w.get(), padded, 0.0);
  lbfgs_parameter_t parameters = parameters_of(options);
  double loss = 0;
  lbfgs(static_cast<int>(padded), w.get(), &loss, evaluate<Vectors>, stop_when_flat<Vectors>,
        &problem, &parameters);
  // Whatever ended it (flat, no progress, the last iteration), `w` is the best so far.
  if (!std::isfinite(loss)) {
    throw Error(ErrorCode::kNumeric, {"fitting a logistic regression", "a loss that is not finite",
                                      "vectors of moderate size", "try --calibration batch"});
  }
  weights_.assign(w.get(), w.get() + used);
}

uint32_t LogisticRegression::predict(std::span<const float> vector) const {
  std::vector<double> logits(columns_);
  logits_of(DenseRow{vector}, vector.size(), weights_.data(), logits);
  if (columns_ == 1) return logits[0] > 0 ? 1 : 0;
  return static_cast<uint32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

double LogisticRegression::probability(const SparseRows& vectors, size_t row) const {
  double logit = 0;
  logits_of(row_of(vectors, row), static_cast<size_t>(vectors.dim), weights_.data(), {&logit, 1});
  return 1 / (1 + std::exp(-logit));
}

double LogisticRegression::probability(const TextVectors& vectors, size_t row) const {
  double logit = 0;
  logits_of(row_of(vectors, row), static_cast<size_t>(vectors.dim), weights_.data(), {&logit, 1});
  return 1 / (1 + std::exp(-logit));
}

}  // namespace expertoire
