// Which keys survive, and their softmax (papers.md 1.2).
#include <algorithm>
#include <cmath>

#include "train/clones.h"
#include "train/monet_kernels.h"

namespace expertoire::train {
namespace {

template <class T>
EXPERTOIRE_INLINE void moments(const T* z, int64_t columns, int64_t first, int64_t last,
                               double* sums, double* squares) {
  for (int64_t t = first; t < last; ++t) {
    const T* row = z + t * columns;
    for (int64_t i = 0; i < columns; ++i) {
      const double value = row[i];
      sums[i] += value;
      squares[i] += value * value;
    }
  }
}

// The least normalised value that survives in a head.
template <class T>
EXPERTOIRE_INLINE T bar_of(const SelectionRule<T>& rule, const T* z, const T* mean,
                           const T* scale) {
  T largest = (z[0] - mean[0]) * scale[0];
  for (int64_t i = 1; i < rule.n; ++i) {
    const T value = (z[i] - mean[i]) * scale[i];
    largest = value > largest ? value : largest;
  }
  return std::min(largest, rule.threshold);
}

template <class T>
EXPERTOIRE_INLINE void count(const SelectionRule<T>& rule, const T* z, int64_t first, int64_t last,
                             int64_t* counts) {
  for (int64_t row = first * rule.heads; row < last * rule.heads; ++row) {
    const int64_t at = row % rule.heads * rule.n;
    const T* logits = z + row * rule.n;
    const T bar = bar_of(rule, logits, rule.mean + at, rule.scale + at);
    int32_t kept = 0;
    for (int64_t i = 0; i < rule.n; ++i) {
      kept += (logits[i] - rule.mean[at + i]) * rule.scale[at + i] >= bar ? 1 : 0;
    }
    counts[row] = kept;
  }
}

template <class T>
EXPERTOIRE_INLINE void softmax(T* values, int64_t count) {
  const T largest = *std::max_element(values, values + count);
  T sum = 0;
  for (int64_t e = 0; e < count; ++e) sum += values[e] = std::exp(values[e] - largest);
  for (int64_t e = 0; e < count; ++e) values[e] /= sum;
}

template <class T>
EXPERTOIRE_INLINE void fill(const SelectionRule<T>& rule, const T* z, int64_t first, int64_t last,
                            const int64_t* offsets, int32_t* keys, T* scores) {
  for (int64_t row = first * rule.heads; row < last * rule.heads; ++row) {
    const int64_t at = row % rule.heads * rule.n;
    const T* logits = z + row * rule.n;
    const T bar = bar_of(rule, logits, rule.mean + at, rule.scale + at);
    int64_t entry = offsets[row];
    const int64_t end = offsets[row + 1];
    for (int64_t i = 0; entry < end; ++i) {
      if ((logits[i] - rule.mean[at + i]) * rule.scale[at + i] < bar) continue;
      keys[entry] = static_cast<int32_t>(i);
      scores[entry++] = logits[i];
    }
    softmax(scores + offsets[row], end - offsets[row]);
  }
}

}  // namespace

template <class T>
void kept_softmax_backward(const KeptView<T>& kept, const T* score_gradients, int64_t first,
                           int64_t last, T* logit_gradients) {
  for (int64_t row = first * kept.heads; row < last * kept.heads; ++row) {
    T mean = 0;
    for (int64_t e = kept.offsets[row]; e < kept.offsets[row + 1]; ++e) {
      mean += kept.scores[e] * score_gradients[e];
    }
    for (int64_t e = kept.offsets[row]; e < kept.offsets[row + 1]; ++e) {
      logit_gradients[e] = kept.scores[e] * (score_gradients[e] - mean);
    }
  }
}

#define EXPERTOIRE_SELECTION(T)                                                                 \
  template <>                                                                                   \
  EXPERTOIRE_CLONES void add_column_moments<T>(const T* z, int64_t columns, int64_t first,      \
                                               int64_t last, double* sums, double* squares) {   \
    moments(z, columns, first, last, sums, squares);                                            \
  }                                                                                             \
  template <>                                                                                   \
  EXPERTOIRE_CLONES void count_kept<T>(const SelectionRule<T>& rule, const T* z, int64_t first, \
                                       int64_t last, int64_t* counts) {                         \
    count(rule, z, first, last, counts);                                                        \
  }                                                                                             \
  template <>                                                                                   \
  EXPERTOIRE_CLONES void fill_kept<T>(const SelectionRule<T>& rule, const T* z, int64_t first,  \
                                      int64_t last, const int64_t* offsets, int32_t* keys,      \
                                      T* scores) {                                              \
    fill(rule, z, first, last, offsets, keys, scores);                                          \
  }                                                                                             \
  template void kept_softmax_backward<T>(const KeptView<T>&, const T*, int64_t, int64_t, T*);

EXPERTOIRE_SELECTION(float)
EXPERTOIRE_SELECTION(double)

}  // namespace expertoire::train
