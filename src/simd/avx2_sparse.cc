// AVX2 with FMA: the products for some rows and some outputs.
#include <immintrin.h>

#include "simd/level.h"
#include "simd/turn.h"
#include "simd/unroll.h"

// Nothing from the standard library but templates that leave no code behind (see avx512.cc).
namespace expertoire::avx2 {
namespace {

constexpr int kLanes = 8;
constexpr int kStrip = 16;    // outputs of one tile of a panel: two vectors
constexpr int kMostRows = 6;  // 12 accumulators, 2 weights, 1 activation

__m256 low_half(__m256i pairs) { return _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16)); }

__m256 high_half(__m256i pairs) {
  return _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32(-65536)));
}

// A vector of a strip: eight bytes of each of four outputs. An element is the sum of kChains sums
// of two lanes each, whatever the number of rows.
constexpr int kChains = 2;

// Eight bytes of a row, for all outputs.
__m256 broadcast_turn(const void* x) {
  double turn;
  __builtin_memcpy(&turn, x, sizeof turn);
  return _mm256_castpd_ps(_mm256_set1_pd(turn));
}

// Four outputs from their two lanes each.
__m128 fold(const __m256* chains) {
  const __m256 sum = _mm256_add_ps(chains[0], chains[1]);
  return _mm_hadd_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
}

// chain += a turn of a row times that of each of four outputs.
void add_turn(__m256 x, const float* turn, __m256& chain) {
  chain = _mm256_fmadd_ps(x, _mm256_load_ps(turn), chain);
}

void add_turn(__m256 x, const bf16_t* turn, __m256& chain) {
  const __m256i pairs = _mm256_load_si256(reinterpret_cast<const __m256i*>(turn));
  chain = _mm256_fmadd_ps(low_half(_mm256_castps_si256(x)), low_half(pairs), chain);
  chain = _mm256_fmadd_ps(high_half(_mm256_castps_si256(x)), high_half(pairs), chain);
}

// Half a strip: four outputs.
template <int R, class T>
void strip_tile(const T* a, int64_t stride, const int32_t* rows, const T* half, int64_t k,
                float* c) {
  __m256 sum[R][kChains];
  const T* row[R];
  unroll<R>([&](auto r) {
    row[r] = a + rows[r] * stride;
    unroll<kChains>([&](auto v) { sum[r][v] = _mm256_setzero_ps(); });
  });
  constexpr int kStep = kChains * kTurn<T>;
  int64_t i = 0;
  for (; i + kStep <= k; i += kStep, half += kStep * kStripWidth) {
    unroll<kChains>([&](auto v) {
      unroll<R>([&](auto r) {
        add_turn(broadcast_turn(row[r] + i + v * kTurn<T>), half + v * 8 * kTurn<T>, sum[r][v]);
      });
    });
  }
  for (; i < k; i += kTurn<T>, half += kTurn<T> * kStripWidth) {
    unroll<R>([&](auto r) {
      const __m256i x = _mm256_set1_epi64x(last_turn(row[r] + i, k - i));
      add_turn(_mm256_castsi256_ps(x), half, sum[r][0]);
    });
  }
  unroll<R>([&](auto r) { _mm_storeu_ps(c + r * kStripWidth, fold(sum[r])); });
}

template <class T>
void strip_product(const T* a, int64_t stride, const int32_t* rows, int m, const T* strip,
                   int64_t k, float* c) {
  using Tile = void (*)(const T*, int64_t, const int32_t*, const T*, int64_t, float*);
  static constexpr Tile kTiles[] = {nullptr, strip_tile<1, T>, strip_tile<2, T>, strip_tile<3, T>,
                                    strip_tile<4, T>};
  constexpr int kMost = 4;  // 8 accumulators, 2 weights, 2 activations, 1 mask
  constexpr int kHalf = kStripWidth / 2;
  const int groups = (m + kMost - 1) / kMost;
  for (int g = 0, first = 0; g < groups; ++g) {
    const int count = (m - first + groups - g - 1) / (groups - g);
    float* out = c + first * kStripWidth;
    kTiles[count](a, stride, rows + first, strip, k, out);
    kTiles[count](a, stride, rows + first, strip + 32 / sizeof(T), k, out + kHalf);
    first += count;
  }
}

template <int R>
void panel_add_tile(const float* a, const int32_t* rows, const float* panel, int64_t k, float* c) {
  __m256 sum[R][2];
  const float* row[R];
  unroll<R>([&](auto r) {
    row[r] = a + r * k;
    sum[r][0] = _mm256_loadu_ps(c + int64_t{rows[r]} * kPanelWidth);
    sum[r][1] = _mm256_loadu_ps(c + int64_t{rows[r]} * kPanelWidth + kLanes);
  });
  for (int64_t i = 0; i < k; ++i, panel += kPanelWidth) {
    const __m256 left = _mm256_load_ps(panel);
    const __m256 right = _mm256_load_ps(panel + kLanes);
    unroll<R>([&](auto r) {
      const __m256 x = _mm256_broadcast_ss(row[r] + i);
      sum[r][0] = _mm256_fmadd_ps(x, left, sum[r][0]);
      sum[r][1] = _mm256_fmadd_ps(x, right, sum[r][1]);
    });
  }
  unroll<R>([&](auto r) {
    _mm256_storeu_ps(c + int64_t{rows[r]} * kPanelWidth, sum[r][0]);
    _mm256_storeu_ps(c + int64_t{rows[r]} * kPanelWidth + kLanes, sum[r][1]);
  });
}

template <int R>
void panel_add_tile(const bf16_t* a, const int32_t* rows, const bf16_t* panel, int64_t k,
                    float* c) {
  __m256 sum[R];
  const bf16_t* row[R];
  unroll<R>([&](auto r) {
    row[r] = a + r * k;
    sum[r] = _mm256_loadu_ps(c + int64_t{rows[r]} * kPanelWidth);
  });
  for (int64_t i = 0; i < k; i += 2, panel += 2 * kPanelWidth) {
    const __m256i pairs = _mm256_load_si256(reinterpret_cast<const __m256i*>(panel));
    const __m256 even = low_half(pairs);
    const __m256 odd = high_half(pairs);
    unroll<R>([&](auto r) {
      const __m256i x = _mm256_set1_epi32(load_pair(row[r] + i));
      sum[r] = _mm256_fmadd_ps(low_half(x), even, sum[r]);
      sum[r] = _mm256_fmadd_ps(high_half(x), odd, sum[r]);
    });
  }
  unroll<R>([&](auto r) { _mm256_storeu_ps(c + int64_t{rows[r]} * kPanelWidth, sum[r]); });
}

// As in_tiles of avx2.cc: strips of `Width` outputs, `step` elements of the panel apart.
template <int Width, class T>
void panel_add(const T* a, const int32_t* rows, int m, const T* panel, int64_t step, int64_t k,
               float* c) {
  using Tile = void (*)(const T*, const int32_t*, const T*, int64_t, float*);
  static constexpr Tile kTiles[] = {nullptr,           panel_add_tile<1>, panel_add_tile<2>,
                                    panel_add_tile<3>, panel_add_tile<4>, panel_add_tile<5>,
                                    panel_add_tile<6>};
  const int groups = (m + kMostRows - 1) / kMostRows;
  for (int strip = 0; strip < kPanelWidth / Width; ++strip) {
    for (int g = 0, first = 0; g < groups; ++g) {
      const int count = (m - first + groups - g - 1) / (groups - g);
      kTiles[count](a + first * k, rows + first, panel + strip * step, k, c + strip * Width);
      first += count;
    }
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
  panel_add<kStrip>(a, rows, m, panel, kStrip, k, c);
}

void panel_add_bf16(const bf16_t* a, const int32_t* rows, int m, const bf16_t* panel, int64_t k,
                    float* c) {
  panel_add<kLanes>(a, rows, m, panel, 2 * kLanes, k, c);
}

}  // namespace expertoire::avx2
