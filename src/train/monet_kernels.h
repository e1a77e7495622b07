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

/// One token range of a vertical layer. Rows of `pre`, `mixed`, `sums` and their gradients count
/// from `first`; those of the kept keys from 0. p = moe_dim / 2 neurons a half-expert.
template <class T>
struct VerticalTokens {
  KeptView<T> side[2];
  int64_t p = 0;
  int64_t first = 0;
  const T* pre[2] = {};  ///< U x + b: [tokens, n·p]
  /// Inputs of v11, v12, v21, v22: [tokens, n·p] each; written, zero at keys that nobody kept.
  T* mixed[4] = {};
  T* sums[2] = {};  ///< Σ_h g: [tokens, n]; written likewise
};

/// Gradients that go with VerticalTokens.
template <class T>
struct VerticalGradients {
  const T* mixed[4] = {};  ///< [tokens, n·p]
  const T* sums[2] = {};   ///< [tokens, n]
  T* pre[2] = {};          ///< [tokens, n·p]; written
  T* scores[2] = {};       ///< by entry; written
};

/// Tokens [first + begin, first + end).
template <class T>
void vertical_forward(const VerticalTokens<T>& at, int64_t begin, int64_t end);
template <class T>
void vertical_backward(const VerticalTokens<T>& at, const VerticalGradients<T>& gradients,
                       int64_t begin, int64_t end);

/// The same for a horizontal layer: u sits on side 0, v on side 1; p = moe_dim neurons.
template <class T>
struct HorizontalTokens {
  KeptView<T> side[2];
  int64_t p = 0;
  int64_t first = 0;
  const T* pre = nullptr;  ///< [tokens, n·p]
  T* mixed = nullptr;      ///< input of v: [tokens, n·p]
  T* sums = nullptr;       ///< Σ_h g2: [tokens, n]
};
template <class T>
struct HorizontalGradients {
  const T* mixed = nullptr;
  const T* sums = nullptr;
  T* pre = nullptr;
  T* scores[2] = {};
};
template <class T>
void horizontal_forward(const HorizontalTokens<T>& at, int64_t begin, int64_t end);
template <class T>
void horizontal_backward(const HorizontalTokens<T>& at, const HorizontalGradients<T>& gradients,
                         int64_t begin, int64_t end);

}  // namespace expertoire::train
