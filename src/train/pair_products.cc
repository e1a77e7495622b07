#include "train/pair_products.h"

#include <algorithm>
#include <cstring>

#include "train/clones.h"

namespace expertoire::train {
namespace {

// 64 bytes of T: one AVX-512 register, or what the compiler makes of it.
template <class T>
struct VectorOf;
template <>
struct VectorOf<float> {
  typedef float Type __attribute__((vector_size(64)));
};
template <>
struct VectorOf<double> {
  typedef double Type __attribute__((vector_size(64)));
};
template <class T>
using Vector = typename VectorOf<T>::Type;
template <class T>
constexpr int64_t kLanes = 64 / sizeof(T);

// From and to memory of any alignment.
template <class T>
EXPERTOIRE_INLINE void load(const T* from, Vector<T>& to) {
  std::memcpy(&to, from, sizeof to);
}
template <class T>
EXPERTOIRE_INLINE void store(const Vector<T>& from, T* to) {
  std::memcpy(to, &from, sizeof from);
}

// Sum of the lanes, halving.
template <class T>
EXPERTOIRE_INLINE T lane_sum(const Vector<T>& values) {
  T lanes[kLanes<T>];
  store(values, lanes);
#pragma GCC unroll 3
  for (int64_t half = kLanes<T> / 2; half > 1; half /= 2) {
#pragma GCC unroll 8
    for (int64_t l = 0; l < half; ++l) lanes[l] += lanes[l + half];
  }
  return lanes[0] + lanes[1];
}

constexpr int64_t kTile = 512;  // columns of a key's matrix that stay in the first cache
constexpr int kStripes = 4;     // vectors of an outer product's row that stay in registers

// Dots of R rows of w with U rows of x over `d` columns, added to c[u][r].
template <int R, int U, class T>
EXPERTOIRE_INLINE void dots(const T* w, int64_t stride_w, const T* const* x, int64_t d,
                            T* const* c) {
  Vector<T> sums[R][U] = {};
  const int64_t whole = d / kLanes<T> * kLanes<T>;
  for (int64_t j = 0; j < whole; j += kLanes<T>) {
    Vector<T> columns[U];
#pragma GCC unroll 4
    for (int u = 0; u < U; ++u) load(x[u] + j, columns[u]);
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      Vector<T> row;
      load(w + r * stride_w + j, row);
#pragma GCC unroll 4
      for (int u = 0; u < U; ++u) sums[r][u] += row * columns[u];
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int u = 0; u < U; ++u) {
      T sum = lane_sum<T>(sums[r][u]);
      for (int64_t j = whole; j < d; ++j) sum += w[r * stride_w + j] * x[u][j];
      c[u][r] += sum;
    }
  }
}

// All rows of a key for U of its tokens.
template <int U, class T>
EXPERTOIRE_INLINE void dots_of_tokens(const PairShape& shape, const T* w, const T* const* x,
                                      int64_t columns, T* const* c) {
  int64_t r = 0;
  T* to[U];
  for (; r + 4 <= shape.rows; r += 4) {
    for (int u = 0; u < U; ++u) to[u] = c[u] + r;
    dots<4, U>(w + r * shape.d, shape.d, x, columns, to);
  }
  for (; r < shape.rows; ++r) {
    for (int u = 0; u < U; ++u) to[u] = c[u] + r;
    dots<1, U>(w + r * shape.d, shape.d, x, columns, to);
  }
}

template <class T>
EXPERTOIRE_INLINE void dots_of_block(const PairView& pairs, const PairShape& shape, int64_t block,
                                     const T* w, const T* x, T* c) {
  const int64_t* starts = pairs.starts + block * pairs.n;
  std::fill(c + starts[0] * shape.rows, c + starts[pairs.n] * shape.rows, T{0});
  for (int64_t key = 0; key < pairs.n; ++key) {
    for (int64_t first = 0; first < shape.d; first += kTile) {
      const int64_t columns = std::min(kTile, shape.d - first);
      const T* matrix = w + key * shape.rows * shape.d + first;
      int64_t q = starts[key];
      for (; q + 2 <= starts[key + 1]; q += 2) {
        const T* from[2] = {x + pairs.tokens[q] * shape.stride + first,
                            x + pairs.tokens[q + 1] * shape.stride + first};
        T* to[2] = {c + q * shape.rows, c + (q + 1) * shape.rows};
        dots_of_tokens<2>(shape, matrix, from, columns, to);
      }
      if (q < starts[key + 1]) {
        const T* from[1] = {x + pairs.tokens[q] * shape.stride + first};
        T* to[1] = {c + q * shape.rows};
        dots_of_tokens<1>(shape, matrix, from, columns, to);
      }
    }
  }
}

// y += Σ_r c[r]·w[r], R rows at once.
template <int R, class T>
EXPERTOIRE_INLINE void add_rows(const T* w, int64_t stride, const T* c, int64_t columns, T* y) {
  int64_t j = 0;
  for (; j + kLanes<T> <= columns; j += kLanes<T>) {
    Vector<T> sum;
    load(y + j, sum);
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      Vector<T> row;
      load(w + r * stride + j, row);
      sum += c[r] * row;
    }
    store(sum, y + j);
  }
  for (; j < columns; ++j) {
    for (int r = 0; r < R; ++r) y[j] += c[r] * w[r * stride + j];
  }
}

template <class T>
EXPERTOIRE_INLINE void sums_of_block(const PairView& pairs, const PairShape& shape, int64_t block,
                                     const T* w, const T* c, T* y) {
  const int64_t* starts = pairs.starts + block * pairs.n;
  for (int64_t key = 0; key < pairs.n; ++key) {
    for (int64_t first = 0; first < shape.d; first += kTile) {
      const int64_t columns = std::min(kTile, shape.d - first);
      const T* matrix = w + key * shape.rows * shape.d + first;
      for (int64_t q = starts[key]; q < starts[key + 1]; ++q) {
        T* row = y + pairs.tokens[q] * shape.stride + first;
        const T* factors = c + q * shape.rows;
        int64_t r = 0;
        for (; r + 4 <= shape.rows; r += 4) {
          add_rows<4>(matrix + r * shape.d, shape.d, factors + r, columns, row);
        }
        for (; r < shape.rows; ++r) {
          add_rows<1>(matrix + r * shape.d, shape.d, factors + r, columns, row);
        }
      }
    }
  }
}

// R rows of a key's outer product, kStripes vectors wide, over all its pairs.
template <int R, class T>
EXPERTOIRE_INLINE void outer_tile(const PairView& pairs, const PairShape& shape, int64_t key,
                                  const T* c, const T* x, T* dw) {
  Vector<T> sums[R][kStripes] = {};
  for (int64_t block = 0; block < pairs.blocks; ++block) {
    const int64_t* starts = pairs.starts + block * pairs.n + key;
    for (int64_t q = starts[0]; q < starts[1]; ++q) {
      const T* row = x + pairs.tokens[q] * shape.stride;
      const T* factors = c + q * shape.rows;
#pragma GCC unroll 4
      for (int s = 0; s < kStripes; ++s) {
        Vector<T> columns;
        load(row + s * kLanes<T>, columns);
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r) sums[r][s] += factors[r] * columns;
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int s = 0; s < kStripes; ++s) store(sums[r][s], dw + r * shape.d + s * kLanes<T>);
  }
}

template <int R, class T>
EXPERTOIRE_INLINE void outer_rest(const PairView& pairs, const PairShape& shape, int64_t key,
                                  const T* c, const T* x, int64_t columns, T* dw) {
  for (int r = 0; r < R; ++r) std::fill_n(dw + r * shape.d, columns, T{0});
  for (int64_t block = 0; block < pairs.blocks; ++block) {
    const int64_t* starts = pairs.starts + block * pairs.n + key;
    for (int64_t q = starts[0]; q < starts[1]; ++q) {
      const T* row = x + pairs.tokens[q] * shape.stride;
      for (int r = 0; r < R; ++r) {
        for (int64_t j = 0; j < columns; ++j) dw[r * shape.d + j] += c[q * shape.rows + r] * row[j];
      }
    }
  }
}

template <int R, class T>
EXPERTOIRE_INLINE void outer_rows(const PairView& pairs, const PairShape& shape, int64_t key,
                                  const T* c, const T* x, T* dw) {
  int64_t j = 0;
  constexpr int64_t kWidth = kStripes * kLanes<T>;
  for (; j + kWidth <= shape.d; j += kWidth) {
    outer_tile<R>(pairs, shape, key, c, x + j, dw + j);
  }
  if (j < shape.d) outer_rest<R>(pairs, shape, key, c, x + j, shape.d - j, dw + j);
}

template <class T>
EXPERTOIRE_INLINE void outer_of_key(const PairView& pairs, const PairShape& shape, int64_t key,
                                    const T* c, const T* x, T* dw) {
  T* matrix = dw + key * shape.rows * shape.d;
  int64_t r = 0;
  for (; r + 4 <= shape.rows; r += 4) {
    outer_rows<4>(pairs, shape, key, c + r, x, matrix + r * shape.d);
  }
  for (; r < shape.rows; ++r) outer_rows<1>(pairs, shape, key, c + r, x, matrix + r * shape.d);
}

}  // namespace

#define EXPERTOIRE_PAIR_PRODUCTS(T)                                                                \
  template <>                                                                                      \
  EXPERTOIRE_CLONES void pair_dots<T>(const PairView& pairs, const PairShape& shape,               \
                                      int64_t block, const T* w, const T* x, T* c) {               \
    dots_of_block(pairs, shape, block, w, x, c);                                                   \
  }                                                                                                \
  template <>                                                                                      \
  EXPERTOIRE_CLONES void pair_sums<T>(const PairView& pairs, const PairShape& shape,               \
                                      int64_t block, const T* w, const T* c, T* y) {               \
    sums_of_block(pairs, shape, block, w, c, y);                                                   \
  }                                                                                                \
  template <>                                                                                      \
  EXPERTOIRE_CLONES void pair_outer<T>(const PairView& pairs, const PairShape& shape, int64_t key, \
                                       const T* c, const T* x, T* dw) {                            \
    outer_of_key(pairs, shape, key, c, x, dw);                                                     \
  }

EXPERTOIRE_PAIR_PRODUCTS(float)
EXPERTOIRE_PAIR_PRODUCTS(double)

}  // namespace expertoire::train
