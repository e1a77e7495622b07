// AVX-512 without bf16 instructions: the products for some rows and some outputs.
#include <immintrin.h>

#include "simd/level.h"
#include "simd/turn.h"
#include "simd/unroll.h"

// Nothing from the standard library but templates that leave no code behind (see avx512.cc).
namespace expertoire::avx512 {
namespace {

constexpr int kLanes = 16;
constexpr int kParts = kPanelWidth / kLanes;  // vectors in a panel row
constexpr int kRowsF32 = 6;                   // 24 accumulators
constexpr int kRowsBf16 = 4;                  // 16 accumulators, 8 for weights

__m512 low_half(__m512i pairs) { return _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16)); }

__m512 high_half(__m512i pairs) {
  return _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32(-65536)));
}

// A vector of a strip: eight bytes of each of its outputs. An element is the sum of kChains sums of
// two lanes each, whatever the number of rows, so that a lone row does not wait for itself.
constexpr int kChains = 4;
constexpr int kStripRows = 6;  // 24 accumulators

// Eight bytes of a row, for all outputs.
__m512 broadcast_turn(const void* x) {
  double turn;
  __builtin_memcpy(&turn, x, sizeof turn);
  return _mm512_castpd_ps(_mm512_set1_pd(turn));
}

__m256 fold(const __m512* chains) {
  const __m512 sum =
      _mm512_add_ps(_mm512_add_ps(chains[0], chains[1]), _mm512_add_ps(chains[2], chains[3]));
  const __m256 pairs = _mm256_hadd_ps(_mm512_castps512_ps256(sum), _mm512_extractf32x8_ps(sum, 1));
  return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(pairs), 0xd8));
}

// chain += a turn of a row times that of each output.
void add_turn(__m512 x, const float* turn, __m512& chain) {
  chain = _mm512_fmadd_ps(x, _mm512_load_ps(turn), chain);
}

void add_turn(__m512 x, const bf16_t* turn, __m512& chain) {
  const __m512i pairs = _mm512_load_si512(turn);
  chain = _mm512_fmadd_ps(low_half(_mm512_castps_si512(x)), low_half(pairs), chain);
  chain = _mm512_fmadd_ps(high_half(_mm512_castps_si512(x)), high_half(pairs), chain);
}

template <int R, class T>
void strip_tile(const T* a, int64_t stride, const int32_t* rows, const T* strip, int64_t k,
                float* c) {
  __m512 sum[R][kChains];
  const T* row[R];
  unroll<R>([&](auto r) {
    row[r] = a + rows[r] * stride;
    unroll<kChains>([&](auto v) { sum[r][v] = _mm512_setzero_ps(); });
  });
  constexpr int kStep = kChains * kTurn<T>;
  int64_t i = 0;
  for (; i + kStep <= k; i += kStep, strip += kStep * kStripWidth) {
    unroll<kChains>([&](auto v) {
      unroll<R>([&](auto r) {
        add_turn(broadcast_turn(row[r] + i + v * kTurn<T>), strip + v * 8 * kTurn<T>, sum[r][v]);
      });
    });
  }
  for (; i < k; i += kTurn<T>, strip += kTurn<T> * kStripWidth) {
    unroll<R>([&](auto r) {
      const __m512i x = _mm512_set1_epi64(last_turn(row[r] + i, k - i));
      add_turn(_mm512_castsi512_ps(x), strip, sum[r][0]);
    });
  }
  unroll<R>([&](auto r) { _mm256_storeu_ps(c + r * kStripWidth, fold(sum[r])); });
}

template <class T>
void strip_product(const T* a, int64_t stride, const int32_t* rows, int m, const T* strip,
                   int64_t k, float* c) {
  using Tile = void (*)(const T*, int64_t, const int32_t*, const T*, int64_t, float*);
  static constexpr Tile kTiles[] = {nullptr,          strip_tile<1, T>, strip_tile<2, T>,
                                    strip_tile<3, T>, strip_tile<4, T>, strip_tile<5, T>,
                                    strip_tile<6, T>};
  const int groups = (m + kStripRows - 1) / kStripRows;
  for (int g = 0, first = 0; g < groups; ++g) {
    const int count = (m - first + groups - g - 1) / (groups - g);
    kTiles[count](a, stride, rows + first, strip, k, c + first * kStripWidth);
    first += count;
  }
}

// R rows of c, in registers while body(row, sum) adds to them.
template <int R, class T, class Body>
[[gnu::always_inline]] inline void add_to_rows(const T* a, const int32_t* rows, int64_t k, float* c,
                                               Body&& body) {
  __m512 sum[R][kParts];
  const T* row[R];
  unroll<R>([&](auto r) {
    row[r] = a + r * k;
    const float* out = c + int64_t{rows[r]} * kPanelWidth;
    unroll<kParts>([&](auto v) { sum[r][v] = _mm512_loadu_ps(out + v * kLanes); });
  });
  body(row, sum);
  unroll<R>([&](auto r) {
    float* out = c + int64_t{rows[r]} * kPanelWidth;
    unroll<kParts>([&](auto v) { _mm512_storeu_ps(out + v * kLanes, sum[r][v]); });
  });
}

template <int R>
void panel_add_tile(const float* a, const int32_t* rows, const float* panel, int64_t k, float* c) {
  add_to_rows<R>(a, rows, k, c, [&](const float* const* row, auto& sum) {
    for (int64_t i = 0; i < k; ++i, panel += kPanelWidth) {
      __m512 weight[kParts];
      unroll<kParts>([&](auto v) { weight[v] = _mm512_load_ps(panel + v * kLanes); });
      unroll<R>([&](auto r) {
        const __m512 x = _mm512_set1_ps(row[r][i]);
        unroll<kParts>([&](auto v) { sum[r][v] = _mm512_fmadd_ps(x, weight[v], sum[r][v]); });
      });
    }
  });
}

template <int R>
void panel_add_tile(const bf16_t* a, const int32_t* rows, const bf16_t* panel, int64_t k,
                    float* c) {
  add_to_rows<R>(a, rows, k, c, [&](const bf16_t* const* row, auto& sum) {
    for (int64_t i = 0; i < k; i += 2, panel += 2 * kPanelWidth) {
      __m512 even[kParts];
      __m512 odd[kParts];
      unroll<kParts>([&](auto v) {
        const __m512i pairs = _mm512_load_si512(panel + v * 2 * kLanes);
        even[v] = low_half(pairs);
        odd[v] = high_half(pairs);
      });
      unroll<R>([&](auto r) {
        const __m512i pair = _mm512_set1_epi32(load_pair(row[r] + i));
        const __m512 first = low_half(pair);
        const __m512 second = high_half(pair);
        unroll<kParts>([&](auto v) {
          sum[r][v] = _mm512_fmadd_ps(first, even[v], sum[r][v]);
          sum[r][v] = _mm512_fmadd_ps(second, odd[v], sum[r][v]);
        });
      });
    }
  });
}

template <int Most, class Table, class T>
void add_in_groups(const Table& tiles, const T* a, const int32_t* rows, int m, const T* panel,
                   int64_t k, float* c) {
  const int groups = (m + Most - 1) / Most;
  for (int g = 0, first = 0; g < groups; ++g) {
    const int count = (m - first + groups - g - 1) / (groups - g);
    tiles[count](a + first * k, rows + first, panel, k, c);
    first += count;
  }
}

}  // namespace

void strip_f32(const float* a, int64_t stride, const int32_t* rows, int m, const float* strip,
               int64_t k, float* c) {
  strip_product(a, stride, rows, m, strip, k, c);
}

void strip_bf16(const bf16_t* a, int64_t stride, const int32_t* rows, int m, const bf16_t* strip,
                int64_t k, float* c) {
  strip_product(a, stride, rows, m, strip, k, c);
}

void panel_add_f32(const float* a, const int32_t* rows, int m, const float* panel, int64_t k,
                   float* c) {
  using Tile = void (*)(const float*, const int32_t*, const float*, int64_t, float*);
  static constexpr Tile kTiles[] = {nullptr,           panel_add_tile<1>, panel_add_tile<2>,
                                    panel_add_tile<3>, panel_add_tile<4>, panel_add_tile<5>,
                                    panel_add_tile<6>};
  add_in_groups<kRowsF32>(kTiles, a, rows, m, panel, k, c);
}

void panel_add_bf16(const bf16_t* a, const int32_t* rows, int m, const bf16_t* panel, int64_t k,
                    float* c) {
  using Tile = void (*)(const bf16_t*, const int32_t*, const bf16_t*, int64_t, float*);
  static constexpr Tile kTiles[] = {nullptr, panel_add_tile<1>, panel_add_tile<2>,
                                    panel_add_tile<3>, panel_add_tile<4>};
  add_in_groups<kRowsBf16>(kTiles, a, rows, m, panel, k, c);
}

}  // namespace expertoire::avx512
