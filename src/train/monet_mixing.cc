// Mixing of experts (papers.md 1.4, 1.5), forward and backward.
#include <algorithm>
#include <vector>

#include "train/clones.h"
#include "train/monet_kernels.h"

namespace expertoire::train {
namespace {

// Neurons a key: a constant P lets the compiler unroll; 0 = only known at run time.
template <int P>
EXPERTOIRE_INLINE int64_t width(int64_t p) {
  return P > 0 ? P : p;
}

// Calls body(head, entry, key, score) for the entries of a token.
template <class T, class Body>
EXPERTOIRE_INLINE void for_kept(const KeptView<T>& side, int64_t token, Body body) {
  for (int64_t h = 0; h < side.heads; ++h) {
    const int64_t row = token * side.heads + h;
    for (int64_t e = side.offsets[row]; e < side.offsets[row + 1]; ++e) {
      body(h, e, int64_t{side.keys[e]}, side.scores[e]);
    }
  }
}

template <class T>
EXPERTOIRE_INLINE T relu(T value) {
  return value > 0 ? value : 0;
}

template <int P, class T>
EXPERTOIRE_INLINE T dot(int64_t p, const T* a, const T* b) {
  T sum = 0;
  for (int64_t c = 0; c < width<P>(p); ++c) sum += a[c] * b[c];
  return sum;
}

// to += factor · from
template <int P, class T>
EXPERTOIRE_INLINE void add(int64_t p, T factor, const T* from, T* to) {
  for (int64_t c = 0; c < width<P>(p); ++c) to[c] += factor * from[c];
}

// y[h] = Σ g·relu(pre)² over a token's entries; y: [heads, p], zeroed here.
template <int P, class T>
EXPERTOIRE_INLINE void gather_neurons(const KeptView<T>& side, int64_t p, int64_t token,
                                      const T* pre, T* y) {
  const int64_t w = width<P>(p);
  std::fill(y, y + side.heads * w, T{0});
  for_kept(side, token, [&](int64_t h, int64_t, int64_t key, T g) EXPERTOIRE_INLINE_BODY {
    for (int64_t c = 0; c < w; ++c) {
      const T r = relu(pre[key * w + c]);
      y[h * w + c] += g * (r * r);
    }
  });
}

// y[h] = Σ g·rows[key]
template <int P, class T>
EXPERTOIRE_INLINE void gather_rows(const KeptView<T>& side, int64_t p, int64_t token, const T* rows,
                                   T* y) {
  const int64_t w = width<P>(p);
  std::fill(y, y + side.heads * w, T{0});
  for_kept(side, token, [&](int64_t h, int64_t, int64_t key, T g) EXPERTOIRE_INLINE_BODY {
    add<P>(p, g, rows + key * w, y + h * w);
  });
}

template <int P, class T>
EXPERTOIRE_INLINE void vertical_token(const VerticalTokens<T>& at, int64_t row, T* y) {
  const int64_t w = width<P>(at.p);
  const int64_t heads = at.side[0].heads;
  const int64_t size = at.side[0].n * w;
  const int64_t token = at.first + row;
  for (T* mixed : at.mixed) std::fill_n(mixed + row * size, size, T{0});
  for (int s = 0; s < 2; ++s) {
    const KeptView<T>& side = at.side[s];
    const T* pre = at.pre[s] + row * size;
    T* straight = at.mixed[3 * s] + row * size;
    T* own = y + s * heads * w;
    T* sums = at.sums[s] + row * side.n;
    std::fill_n(sums, side.n, T{0});
    std::fill_n(own, heads * w, T{0});
    for_kept(side, token, [&](int64_t h, int64_t, int64_t key, T g) EXPERTOIRE_INLINE_BODY {
      sums[key] += g;
      for (int64_t c = 0; c < w; ++c) {
        const T r = relu(pre[key * w + c]);
        const T x = g * (r * r);
        straight[key * w + c] += x;
        own[h * w + c] += x;
      }
    });
  }
  for (int s = 0; s < 2; ++s) {
    T* cross = at.mixed[1 + s] + row * size;
    const T* other = y + (1 - s) * heads * w;
    for_kept(at.side[s], token, [&](int64_t h, int64_t, int64_t key, T g) EXPERTOIRE_INLINE_BODY {
      add<P>(at.p, g, other + h * w, cross + key * w);
    });
  }
}

template <int P, class T>
EXPERTOIRE_INLINE void vertical_token_backward(const VerticalTokens<T>& at,
                                               const VerticalGradients<T>& d, int64_t row, T* y) {
  const int64_t w = width<P>(at.p);
  const int64_t heads = at.side[0].heads;
  const int64_t size = at.side[0].n * w;
  const int64_t token = at.first + row;
  T* dy = y + 2 * heads * w;
  for (int s = 0; s < 2; ++s) {
    gather_neurons<P>(at.side[s], at.p, token, at.pre[s] + row * size, y + s * heads * w);
    // Side s's neurons reach the other side's cross input: v21 for side 0, v12 for side 1.
    gather_rows<P>(at.side[1 - s], at.p, token, d.mixed[2 - s] + row * size, dy + s * heads * w);
  }
  for (int s = 0; s < 2; ++s) {
    const T* pre = at.pre[s] + row * size;
    const T* straight = d.mixed[3 * s] + row * size;
    const T* cross = d.mixed[1 + s] + row * size;
    const T* sums = d.sums[s] + row * at.side[s].n;
    const T* other = y + (1 - s) * heads * w;
    const T* own = dy + s * heads * w;
    T* dpre = d.pre[s] + row * size;
    std::fill_n(dpre, size, T{0});
    for_kept(at.side[s], token, [&](int64_t h, int64_t e, int64_t key, T g) EXPERTOIRE_INLINE_BODY {
      T dg = sums[key] + dot<P>(at.p, cross + key * w, other + h * w);
      for (int64_t c = 0; c < w; ++c) {
        const T r = relu(pre[key * w + c]);
        const T through = straight[key * w + c] + own[h * w + c];
        dg += r * r * through;
        dpre[key * w + c] += g * through * (2 * r);
      }
      d.scores[s][e] = dg;
    });
  }
}

template <int P, class T>
EXPERTOIRE_INLINE void horizontal_token(const HorizontalTokens<T>& at, int64_t row, T* y) {
  const int64_t w = width<P>(at.p);
  const int64_t n = at.side[0].n;
  const int64_t token = at.first + row;
  gather_neurons<P>(at.side[0], at.p, token, at.pre + row * n * w, y);
  T* mixed = at.mixed + row * n * w;
  T* sums = at.sums + row * n;
  std::fill_n(mixed, n * w, T{0});
  std::fill_n(sums, n, T{0});
  for_kept(at.side[1], token, [&](int64_t h, int64_t, int64_t key, T g) EXPERTOIRE_INLINE_BODY {
    sums[key] += g;
    add<P>(at.p, g, y + h * w, mixed + key * w);
  });
}

template <int P, class T>
EXPERTOIRE_INLINE void horizontal_token_backward(const HorizontalTokens<T>& at,
                                                 const HorizontalGradients<T>& d, int64_t row,
                                                 T* y) {
  const int64_t w = width<P>(at.p);
  const int64_t n = at.side[0].n;
  const int64_t token = at.first + row;
  const T* pre = at.pre + row * n * w;
  const T* mixed = d.mixed + row * n * w;
  T* dy = y + at.side[0].heads * w;
  gather_neurons<P>(at.side[0], at.p, token, pre, y);
  gather_rows<P>(at.side[1], at.p, token, mixed, dy);
  for_kept(at.side[1], token, [&](int64_t h, int64_t e, int64_t key, T) EXPERTOIRE_INLINE_BODY {
    d.scores[1][e] = d.sums[row * n + key] + dot<P>(at.p, mixed + key * w, y + h * w);
  });
  T* dpre = d.pre + row * n * w;
  std::fill_n(dpre, n * w, T{0});
  for_kept(at.side[0], token, [&](int64_t h, int64_t e, int64_t key, T g) EXPERTOIRE_INLINE_BODY {
    T dg = 0;
    for (int64_t c = 0; c < w; ++c) {
      const T r = relu(pre[key * w + c]);
      dg += r * r * dy[h * w + c];
      dpre[key * w + c] += g * dy[h * w + c] * (2 * r);
    }
    d.scores[0][e] = dg;
  });
}

// Calls body.operator()<P>() with the constant that fits.
template <class Body>
EXPERTOIRE_INLINE void with_width(int64_t p, Body body) {
  switch (p) {
    case 2: return body.template operator()<2>();
    case 4: return body.template operator()<4>();
    case 8: return body.template operator()<8>();
    case 16: return body.template operator()<16>();
    default: return body.template operator()<0>();
  }
}

}  // namespace

#define EXPERTOIRE_MIXING(T)                                                                    \
  template <>                                                                                   \
  EXPERTOIRE_CLONES void vertical_forward<T>(const VerticalTokens<T>& at, int64_t begin,        \
                                             int64_t end) {                                     \
    std::vector<T> y(static_cast<size_t>(2 * at.side[0].heads * at.p));                         \
    with_width(at.p, [&]<int P>() EXPERTOIRE_INLINE_BODY {                                      \
      for (int64_t row = begin; row < end; ++row) vertical_token<P>(at, row, y.data());         \
    });                                                                                         \
  }                                                                                             \
  template <>                                                                                   \
  EXPERTOIRE_CLONES void vertical_backward<T>(                                                  \
      const VerticalTokens<T>& at, const VerticalGradients<T>& d, int64_t begin, int64_t end) { \
    std::vector<T> y(static_cast<size_t>(4 * at.side[0].heads * at.p));                         \
    with_width(at.p, [&]<int P>() EXPERTOIRE_INLINE_BODY {                                      \
      for (int64_t row = begin; row < end; ++row)                                               \
          vertical_token_backward<P>(at, d, row, y.data());                                     \
    });                                                                                         \
  }                                                                                             \
  template <>                                                                                   \
  EXPERTOIRE_CLONES void horizontal_forward<T>(const HorizontalTokens<T>& at, int64_t begin,    \
                                               int64_t end) {                                   \
    std::vector<T> y(static_cast<size_t>(at.side[0].heads * at.p));                             \
    with_width(at.p, [&]<int P>() EXPERTOIRE_INLINE_BODY {                                      \
      for (int64_t row = begin; row < end; ++row) horizontal_token<P>(at, row, y.data());       \
    });                                                                                         \
  }                                                                                             \
  template <>                                                                                   \
  EXPERTOIRE_CLONES void horizontal_backward<T>(const HorizontalTokens<T>& at,                  \
                                                const HorizontalGradients<T>& d, int64_t begin, \
                                                int64_t end) {                                  \
    std::vector<T> y(static_cast<size_t>(2 * at.side[0].heads * at.p));                         \
    with_width(at.p, [&]<int P>() EXPERTOIRE_INLINE_BODY {                                      \
      for (int64_t row = begin; row < end; ++row)                                               \
        horizontal_token_backward<P>(at, d, row, y.data());                                     \
    });                                                                                         \
  }

EXPERTOIRE_MIXING(float)
EXPERTOIRE_MIXING(double)

}  // namespace expertoire::train
