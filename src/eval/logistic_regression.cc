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

// logits[c] = intercept[c] + Σ_i x[i] · weights[i][c]
void logits_of(std::span<const float> x, const double* weights, std::span<double> logits) {
  const size_t columns = logits.size();
  std::copy_n(weights + x.size() * columns, columns, logits.begin());
  for (size_t i = 0; i < x.size(); ++i) {
    const double value = x[i];
    for (size_t c = 0; c < columns; ++c) logits[c] += value * weights[i * columns + c];
  }
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

struct Problem {
  const TextVectors& vectors;
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
    const std::span<const float> x = vectors.row(rows[n]);
    logits_of(x, w, logits);
    const double loss = loss_and_slope(logits, classes[n]);
    for (size_t i = 0; i < x.size(); ++i) {
      const double value = scale * x[i];
      for (size_t c = 0; c < columns; ++c) gradient[i * columns + c] += value * logits[c];
    }
    for (size_t c = 0; c < columns; ++c) gradient[weights() + c] += scale * logits[c];
    return loss;
  }
};

double evaluate(void* problem, const double* w, double* gradient, int padded, double /*step*/) {
  return static_cast<Problem*>(problem)->evaluate(w, gradient, static_cast<size_t>(padded));
}

// Stops where scipy's L-BFGS-B does.
int stop_when_flat(void* problem, const double* /*w*/, const double* gradient, double /*loss*/,
                   double /*w_norm*/, double /*gradient_norm*/, double /*step*/, int padded,
                   int /*iteration*/, int /*evaluations*/) {
  double largest = 0;
  for (int i = 0; i < padded; ++i) largest = std::max(largest, std::abs(gradient[i]));
  return largest <= static_cast<Problem*>(problem)->tolerance ? 1 : 0;
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
  Problem problem{vectors, rows, classes, columns_, options.tolerance};
  const size_t used = problem.parameters(), padded = (used + 15) / 16 * 16;  // liblbfgs with SSE
  const std::unique_ptr<double, void (*)(double*)> w(lbfgs_malloc(static_cast<int>(padded)),
                                                     lbfgs_free);
  if (!w) throw std::bad_alloc();
  std::fill_n(w.get(), padded, 0.0);
  lbfgs_parameter_t parameters = parameters_of(options);
  double loss = 0;
  lbfgs(static_cast<int>(padded), w.get(), &loss, evaluate, stop_when_flat, &problem, &parameters);
  // Whatever ended it (flat, no progress, the last iteration), `w` is the best so far.
  if (!std::isfinite(loss)) {
    throw Error(ErrorCode::kNumeric, {"fitting a logistic regression", "a loss that is not finite",
                                      "vectors of moderate size", "try --calibration batch"});
  }
  weights_.assign(w.get(), w.get() + used);
}

uint32_t LogisticRegression::predict(std::span<const float> vector) const {
  std::vector<double> logits(columns_);
  logits_of(vector, weights_.data(), logits);
  if (columns_ == 1) return logits[0] > 0 ? 1 : 0;
  return static_cast<uint32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

}  // namespace expertoire
