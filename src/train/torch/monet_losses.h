// The losses of a routing: uniformity and ambiguity (papers.md 1.6, arXiv 2412.04139 eq. 16, 17).
#pragma once

#include "train/torch/pass.h"

namespace expertoire::train {

struct SideLosses {
  Tensor unif;           ///< mean over heads and keys of −log(mean over all tokens of g + 1e-6)
  Tensor amb;            ///< mean over tokens and heads of 1 − max g
  Tensor mean_scores;    ///< [heads·n] double, of all processes, without gradient
  Tensor tokens_of_key;  ///< [heads·n] int64: tokens of this process that kept a key
};

/// For one side; `heads` and `n` keys a head.
SideLosses side_losses(const KeptKeys& kept, int64_t heads, int64_t n, Processes* processes);

}  // namespace expertoire::train
