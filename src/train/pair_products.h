// Products of each key's small matrix with the rows of its tokens. W: [n, rows, d], one matrix of
// `rows` rows a key; X and Y: [tokens, d] with `stride` elements from row to row; C: [pairs, rows].
// T is float or double. Sums run in an order that does not depend on the number of threads.
#pragma once

#include <cstdint>

#include "train/key_pairs.h"

namespace expertoire::train {

struct PairShape {
  int64_t rows = 0;
  int64_t d = 0;
  int64_t stride = 0;
};

/// C[q, r] = Σ_j W[key, r, j]·X[token, j] for the pairs of a block.
template <class T>
void pair_dots(const PairView& pairs, const PairShape& shape, int64_t block, const T* w, const T* x,
               T* c);

/// Y[token, :] += Σ_r C[q, r]·W[key, r, :] for the pairs of a block.
template <class T>
void pair_sums(const PairView& pairs, const PairShape& shape, int64_t block, const T* w, const T* c,
               T* y);

/// dW[key, r, :] = Σ_q C[q, r]·X[token, :] over all blocks, for one key.
template <class T>
void pair_outer(const PairView& pairs, const PairShape& shape, int64_t key, const T* c, const T* x,
                T* dw);

}  // namespace expertoire::train
