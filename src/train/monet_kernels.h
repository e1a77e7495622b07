// The parts of a Monet layer that are not matrix products, token by token, on the keys that the
// heads kept (a few in a hundred). Plain loops without libtorch; T is float or double.
//
// Joint experts are never expanded: papers.md 1.4 and 1.5 (arXiv 2412.04139, eq. 12 and 15, and
// A.1), with every contraction over keys done once a head.
#pragma once

#include <cstdint>

namespace expertoire::train {

/// One side's keys that survived the threshold. Head h of token t kept the entries
/// [offsets[t·heads + h], offsets[t·heads + h + 1]), in rising order of keys.
template <class T>
struct KeptView {
  const int64_t* offsets = nullptr;
  const int32_t* keys = nullptr;
  const T* scores = nullptr;  ///< softmax of the raw logits over a head's entries
  int64_t heads = 0;
  int64_t n = 0;  ///< keys a side
};

/// Sums and sums of squares over the rows [first, last) of z [tokens, columns], added to
/// sums[columns] and squares[columns].
template <class T>
void add_column_moments(const T* z, int64_t columns, int64_t first, int64_t last, double* sums,
                        double* squares);

/// A router's rule: key i of head h survives when (z − mean)·scale reaches `threshold`, or is the
/// largest of its head. mean and scale: [heads·n].
template <class T>
struct SelectionRule {
  const T* mean = nullptr;
  const T* scale = nullptr;
  T threshold = 0;
  int64_t heads = 0;
  int64_t n = 0;
};

/// counts[t·heads + h] of the tokens [first, last); z: [tokens, heads·n].
template <class T>
void count_kept(const SelectionRule<T>& rule, const T* z, int64_t first, int64_t last,
                int64_t* counts);

/// Keys and scores of the tokens [first, last), where `offsets` says.
template <class T>
void fill_kept(const SelectionRule<T>& rule, const T* z, int64_t first, int64_t last,
               const int64_t* offsets, int32_t* keys, T* scores);

/// From gradients of scores to those of logits, entry by entry: g·(dg − Σ g·dg) over a head.
template <class T>
void kept_softmax_backward(const KeptView<T>& kept, const T* score_gradients, int64_t first,
                           int64_t last, T* logit_gradients);

/// One side of a Monet layer's tokens, with values a pair (key_pairs.h).
template <class T>
struct MixingSide {
  KeptView<T> kept;
  const int64_t* pairs = nullptr;  ///< of every entry
  const T* pre = nullptr;          ///< U x + b: [pairs, p]
  T* mixed = nullptr;              ///< coefficients of the rows of V and b, added to: [pairs, rows]
};

/// A vertical layer: p = moe_dim / 2 neurons a half-expert, rows = 2p + 1: p inputs of v11 (v22 on
/// side 1), p of v12 (v21), and Σ_h g, which weighs b1 (b2).
template <class T>
struct VerticalTokens {
  MixingSide<T> side[2];
  int64_t p = 0;
};

/// A horizontal layer: p = moe_dim neurons; u sits on side 0, v on side 1, where rows = p + 1.
template <class T>
struct HorizontalTokens {
  MixingSide<T> side[2];
  int64_t p = 0;
};

/// Gradients of a side: `mixed` is given; `pre` is added to, `scores` written, by entry.
template <class T>
struct MixingGradients {
  const T* mixed = nullptr;
  T* pre = nullptr;
  T* scores = nullptr;
};

/// Tokens [first, last).
template <class T>
void vertical_forward(const VerticalTokens<T>& at, int64_t first, int64_t last);
template <class T>
void vertical_backward(const VerticalTokens<T>& at, const MixingGradients<T>* sides, int64_t first,
                       int64_t last);
template <class T>
void horizontal_forward(const HorizontalTokens<T>& at, int64_t first, int64_t last);
template <class T>
void horizontal_backward(const HorizontalTokens<T>& at, const MixingGradients<T>* sides,
                         int64_t first, int64_t last);

}  // namespace expertoire::train
