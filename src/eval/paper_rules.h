// MoEE(sum) as the paper's published code scores it (arXiv 2410.10814; tianyi-lab/MoE-Embedding,
// mteb/evaluation/evaluators): no vector, but what hidden states and routing say apart, added up.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "eval/text_table.h"

namespace expertoire {

/// The two parts of sum, calibrated, neither normalised nor joined.
struct SumParts {
  TextVectors hidden, routing;
  double weight = 1;  ///< of routing: alpha
};

/// cos(hidden) + weight · cos(routing) of two texts.
double summed_cosine(const SumParts& parts, size_t a, size_t b);

/// (a + weight · b) / (1 + weight) of each pair of class or cluster numbers, in double and in this
/// order of operations: which numbers come out equal, and which below a whole one, depends on it.
std::vector<double> averaged_numbers(std::span<const int64_t> a, std::span<const int64_t> b,
                                     double weight);

}  // namespace expertoire
