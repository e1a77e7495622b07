// What a forward pass carries beside the activations.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "train/torch/tensor.h"

namespace expertoire::train {

class Processes;

/// One side of a Monet routing. On the CPU only the kept keys are stored (monet_kernels.h has the
/// layout); `dense` has them all, exact 0 where a key was not kept.
struct KeptKeys {
  Tensor scores;   ///< [entries], differentiable
  Tensor offsets;  ///< [tokens·heads + 1] int64
  Tensor keys;     ///< [entries] int32
  Tensor starts;   ///< pairs by block and key, as key_pairs.h lays them out: [blocks·n + 1] int64
  Tensor tokens;   ///< [pairs] int32
  Tensor pairs;    ///< [entries] int64: the pair of each
  Tensor dense;    ///< [tokens, heads, n], differentiable; undefined in the kept form
};

struct MonetRouting {
  KeptKeys side[2];
};

/// How a Monet router was used in a pass, for the log.
struct RouterUse {
  double survivors[2] = {};  ///< mean kept keys a token and head
  double amb = 0;            ///< mean over both sides of 1 − max g
  Tensor tokens_of_key[2];   ///< [heads·n] int64: by how many tokens each key was kept
  Tensor mean_scores[2];     ///< [heads·n] double: mean g over tokens
};

/// One pass over a batch. x below is [tokens, hidden_size], tokens = sequences · length.
struct Pass {
  bool training = true;
  bool bf16 = false;   ///< products of matrices and attention in bf16; the rest stays as it is
  bool dense = false;  ///< Monet by plain operators on all keys: on GPUs, and the oracle of tests
  Processes* processes = nullptr;  ///< whose statistics are shared; null = this one alone
  /// Routers select by their running statistics and leave them alone, in training too.
  bool frozen_router = false;
  std::optional<double> router_momentum;  ///< in place of the model's

  std::optional<MonetRouting> routing;  ///< of the last layer that routed
  /// One term a layer that has it.
  std::vector<Tensor> unif, amb, balance, z;
  std::vector<RouterUse> use;
  std::vector<Tensor> expert_load;  ///< SMoE: [experts] share of assignments, one a layer

  /// x·wᵀ + b in the pass's precision; the result has x's type.
  Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {}) const;
};

}  // namespace expertoire::train
