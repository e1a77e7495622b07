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

// Calls body(head, entry, pair, score) for the entries of a token.
template <class T, class Body>
EXPERTOIRE_INLINE void for_kept(const MixingSide<T>& side, int64_t token, Body body) {
  const KeptView<T>& kept = side.kept;
  for (int64_t h = 0; h < kept.heads; ++h) {
    const int64_t row = token * kept.heads + h;
    for (int64_t e = kept.offsets[row]; e < kept.offsets[row + 1]; ++e) {
      body(h, e, side.pairs[e], kept.scores[e]);
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
EXPERTOIRE_INLINE void gather_neurons(const MixingSide<T>& side, int64_t p, int64_t token, T* y) {
  const int64_t w = width<P>(p);
  std::fill(y, y + side.kept.heads * w, T{0});
  for_kept(side, token, [&](int64_t h, int64_t, int64_t pair, T g) EXPERTOIRE_INLINE_BODY {
    for (int64_t c = 0; c < w; ++c) {
      const T r = relu(side.pre[pair * w + c]);
      y[h * w + c] += g * (r * r);
    }
  });
}

// y[h] = Σ g·rows[pair], p values from each row of `stride`; y zeroed here.
template <int P, class T>
EXPERTOIRE_INLINE void gather_rows(const MixingSide<T>& side, int64_t p, int64_t token,
                                   const T* rows, int64_t stride, T* y) {
  const int64_t w = width<P>(p);
  std::fill(y, y + side.kept.heads * w, T{0});
  for_kept(side, token, [&](int64_t h, int64_t, int64_t pair, T g) EXPERTOIRE_INLINE_BODY {
    add<P>(p, g, rows + pair * stride, y + h * w);
  });
}

template <int P, class T>
EXPERTOIRE_INLINE void vertical_token(const VerticalTokens<T>& at, int64_t token, T* y) {
  const int64_t w = width<P>(at.p);
  const int64_t rows = 2 * w + 1;
  const int64_t heads = at.side[0].kept.heads;
  for (int s = 0; s < 2; ++s) {
    const MixingSide<T>& side = at.side[s];
    T* own = y + s * heads * w;
    std::fill_n(own, heads * w, T{0});
    for_kept(side, token, [&](int64_t h, int64_t, int64_t pair, T g) EXPERTOIRE_INLINE_BODY {
      T* mixed = side.mixed + pair * rows;
      for (int64_t c = 0; c < w; ++c) {
        const T r = relu(side.pre[pair * w + c]);
        const T x = g * (r * r);
        mixed[c] += x;
        own[h * w + c] += x;
      }
      mixed[2 * w] += g;
    });
  }
  for (int s = 0; s < 2; ++s) {
    const MixingSide<T>& side = at.side[s];
    const T* other = y + (1 - s) * heads * w;
    for_kept(side, token, [&](int64_t h, int64_t, int64_t pair, T g) EXPERTOIRE_INLINE_BODY {
      add<P>(at.p, g, other + h * w, side.mixed + pair * rows + w);
    });
  }
}

template <int P, class T>
EXPERTOIRE_INLINE void vertical_token_backward(const VerticalTokens<T>& at,
                                               const MixingGradients<T>* d, int64_t token, T* y) {
  const int64_t w = width<P>(at.p);
  const int64_t rows = 2 * w + 1;
  const int64_t heads = at.side[0].kept.heads;
  T* dy = y + 2 * heads * w;
  for (int s = 0; s < 2; ++s) {
    gather_neurons<P>(at.side[s], at.p, token, y + s * heads * w);
    // Side s's neurons reach the cross rows of the other side.
    gather_rows<P>(at.side[1 - s], at.p, token, d[1 - s].mixed + w, rows, dy + s * heads * w);
  }
  for (int s = 0; s < 2; ++s) {
    const MixingSide<T>& side = at.side[s];
    const T* other = y + (1 - s) * heads * w;
    const T* own = dy + s * heads * w;
    for_kept(side, token, [&](int64_t h, int64_t e, int64_t pair, T g) EXPERTOIRE_INLINE_BODY {
      const T* mixed = d[s].mixed + pair * rows;
      T dg = mixed[2 * w] + dot<P>(at.p, mixed + w, other + h * w);
      for (int64_t c = 0; c < w; ++c) {
        const T r = relu(side.pre[pair * w + c]);
        const T through = mixed[c] + own[h * w + c];
        dg += r * r * through;
        d[s].pre[pair * w + c] += g * through * (2 * r);
      }
      d[s].scores[e] = dg;
    });
  }
}

template <int P, class T>
EXPERTOIRE_INLINE void horizontal_token(const HorizontalTokens<T>& at, int64_t token, T* y) {
  const int64_t w = width<P>(at.p);
  gather_neurons<P>(at.side[0], at.p, token, y);
  const MixingSide<T>& side = at.side[1];
  for_kept(side, token, [&](int64_t h, int64_t, int64_t pair, T g) EXPERTOIRE_INLINE_BODY {
    T* mixed = side.mixed + pair * (w + 1);
    add<P>(at.p, g, y + h * w, mixed);
    mixed[w] += g;
  });
}

template <int P, class T>
EXPERTOIRE_INLINE void horizontal_token_backward(const HorizontalTokens<T>& at,
                                                 const MixingGradients<T>* d, int64_t token, T* y) {
  const int64_t w = width<P>(at.p);
  T* dy = y + at.side[0].kept.heads * w;
  gather_neurons<P>(at.side[0], at.p, token, y);
  gather_rows<P>(at.side[1], at.p, token, d[1].mixed, w + 1, dy);
  for_kept(at.side[1], token, [&](int64_t h, int64_t e, int64_t pair, T) EXPERTOIRE_INLINE_BODY {
    const T* mixed = d[1].mixed + pair * (w + 1);
    d[1].scores[e] = mixed[w] + dot<P>(at.p, mixed, y + h * w);
  });
  const T* pre = at.side[0].pre;
  for_kept(at.side[0], token, [&](int64_t h, int64_t e, int64_t pair, T g) EXPERTOIRE_INLINE_BODY {
    T dg = 0;
    for (int64_t c = 0; c < w; ++c) {
      const T r = relu(pre[pair * w + c]);
      dg += r * r * dy[h * w + c];
      d[0].pre[pair * w + c] += g * dy[h * w + c] * (2 * r);
    }
    d[0].scores[e] = dg;
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

// CALL for all tokens t, with `SIZE` values of working memory a head and neuron.
#define EXPERTOIRE_TOKENS(SIZE, CALL)                                         \
  std::vector<T> y(static_cast<size_t>(SIZE * at.side[0].kept.heads * at.p)); \
  with_width(at.p, [&]<int P>() EXPERTOIRE_INLINE_BODY {                      \
    for (int64_t t = first; t < last; ++t) CALL;                              \
  })

#define EXPERTOIRE_MIXING(Type)                                                                    \
  template <>                                                                                      \
  EXPERTOIRE_CLONES void vertical_forward<Type>(const VerticalTokens<Type>& at, int64_t first,     \
                                                int64_t last) {                                    \
    using T = Type;                                                                                \
    EXPERTOIRE_TOKENS(2, (vertical_token<P>(at, t, y.data())));                                    \
  }                                                                                                \
  template <>                                                                                      \
  EXPERTOIRE_CLONES void vertical_backward<Type>(const VerticalTokens<Type>& at,                   \
                                                 const MixingGradients<Type>* sides,               \
                                                 int64_t first, int64_t last) {                    \
    using T = Type;                                                                                \
    EXPERTOIRE_TOKENS(4, (vertical_token_backward<P>(at, sides, t, y.data())));                    \
  }                                                                                                \
  template <>                                                                                      \
  EXPERTOIRE_CLONES void horizontal_forward<Type>(const HorizontalTokens<Type>& at, int64_t first, \
                                                  int64_t last) {                                  \
    using T = Type;                                                                                \
    EXPERTOIRE_TOKENS(1, (horizontal_token<P>(at, t, y.data())));                                  \
  }                                                                                                \
  template <>                                                                                      \
  EXPERTOIRE_CLONES void horizontal_backward<Type>(const HorizontalTokens<Type>& at,               \
                                                   const MixingGradients<Type>* sides,             \
                                                   int64_t first, int64_t last) {                  \
    using T = Type;                                                                                \
    EXPERTOIRE_TOKENS(2, (horizontal_token_backward<P>(at, sides, t, y.data())));                  \
  }

EXPERTOIRE_MIXING(float)
EXPERTOIRE_MIXING(double)

}  // namespace expertoire::train
