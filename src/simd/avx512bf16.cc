// AVX-512 with bf16 dot products: the avx512 level with another bf16 product.
#include <immintrin.h>

#include <utility>

#include "simd/level.h"

namespace expertoire::avx512bf16 {
namespace {

constexpr int kParts = 4;     // vectors of 16 outputs in a panel row
constexpr int kPairs = 32;    // bf16 values of one vector
constexpr int kMostRows = 6;  // 24 accumulators, 4 weights, 1 activation

template <int N, class Body>
[[gnu::always_inline]] inline void unroll(Body&& body) {
  [&]<int... I>(std::integer_sequence<int, I...>) __attribute__((always_inline)) {
    (body(std::integral_constant<int, I>{}), ...);
  }
  (std::make_integer_sequence<int, N>{});
}

int load_pair(const bf16_t* x) {
  int pair;
  __builtin_memcpy(&pair, x, sizeof pair);
  return pair;
}

// R rows against a whole panel. `ahead`: where the prefetch of the next panel goes on; Lines cache
// lines are asked for in each step.
template <int R, int Lines>
void tile(const bf16_t* const* a, const bf16_t* panel, int64_t k, const char* ahead, float* c) {
  __m512 sum[R][kParts];
  const bf16_t* row[R];
  unroll<R>([&](auto r) {
    row[r] = a[r];
    unroll<kParts>([&](auto v) { sum[r][v] = _mm512_setzero_ps(); });
  });
  for (int64_t i = 0; i < k; i += 2, panel += 2 * kPanelWidth) {
    __m512bh weight[kParts];
    unroll<kParts>([&](auto v) {
      weight[v] = reinterpret_cast<__m512bh>(_mm512_load_si512(panel + v * kPairs));
    });
    // Inlined before g++ looks for side effects: it finds none in a prefetch, and drops the call.
    unroll<Lines>([&](auto line) __attribute__((always_inline)) {
      _mm_prefetch(ahead + line * 64, _MM_HINT_T1);
    });
    ahead += Lines * 64;
    unroll<R>([&](auto r) {
      const __m512bh x = reinterpret_cast<__m512bh>(_mm512_set1_epi32(load_pair(row[r] + i)));
      unroll<kParts>([&](auto v) { sum[r][v] = _mm512_dpbf16_ps(sum[r][v], x, weight[v]); });
    });
  }
  unroll<R>([&](auto r) {
    unroll<kParts>([&](auto v) { _mm512_storeu_ps(c + r * kPanelWidth + v * 16, sum[r][v]); });
  });
}

using Tile = void (*)(const bf16_t* const*, const bf16_t*, int64_t, const char*, float*);

template <int Lines>
constexpr Tile kTiles[] = {nullptr,        tile<1, Lines>, tile<2, Lines>, tile<3, Lines>,
                           tile<4, Lines>, tile<5, Lines>, tile<6, Lines>};

// Rows go in near-equal groups (16 = 6 + 5 + 5); each group sweeps the panel once, the first from
// memory, the others from the second-level cache. The last ones, four at most, also ask for their
// share of the next panel, so that memory never rests. A lone group leaves no time to ask early.
constexpr int kAsking = 4;  // groups that ask for one line a step: a step reads four

void panel_bf16(const bf16_t* const* a, int m, const bf16_t* panel, int64_t k, const bf16_t* next,
                float* c) {
  const int groups = (m + kMostRows - 1) / kMostRows;
  const int most = next == nullptr || groups < 2 ? 0 : groups == 2 ? 2 : 1;
  const char* ahead = reinterpret_cast<const char*>(next);
  for (int g = 0, first = 0; g < groups; ++g) {
    const int lines = g < groups - kAsking ? 0 : most;
    const int rows = (m - first + groups - g - 1) / (groups - g);
    const Tile* tiles = lines == 0 ? kTiles<0> : lines == 1 ? kTiles<1> : kTiles<2>;
    tiles[rows](a + first, panel, k, ahead, c + first * kPanelWidth);
    first += rows;
    ahead += lines * 32 * k;  // k / 2 steps of `lines` lines of 64 bytes
  }
}

// R rows against a strip: two sums an output, of even and of odd pairs, whatever R.
template <int R>
void tile_strip(const bf16_t* const* a, const bf16_t* strip, int64_t k, float* c) {
  constexpr int kStep = 2 * kStripWidth;  // values of a pair of inputs
  __m256 even[R];
  __m256 odd[R];
  const bf16_t* row[R];
  const auto product = [](__m256 sum, const bf16_t* x, __m256i weight) {
    return _mm256_dpbf16_ps(sum, reinterpret_cast<__m256bh>(_mm256_set1_epi32(load_pair(x))),
                            reinterpret_cast<__m256bh>(weight));
  };
  unroll<R>([&](auto r) {
    row[r] = a[r];
    even[r] = _mm256_setzero_ps();
    odd[r] = _mm256_setzero_ps();
  });
  const auto load = [](const bf16_t* x) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x));
  };
  int64_t i = 0;
  for (; i + 4 <= k; i += 4, strip += 2 * kStep) {
    const __m256i first = load(strip);
    const __m256i second = load(strip + kStep);
    unroll<R>([&](auto r) {
      even[r] = product(even[r], row[r] + i, first);
      odd[r] = product(odd[r], row[r] + i + 2, second);
    });
  }
  if (i < k) {
    const __m256i first = load(strip);
    unroll<R>([&](auto r) { even[r] = product(even[r], row[r] + i, first); });
  }
  unroll<R>([&](auto r) { _mm256_storeu_ps(c + r * kStripWidth, _mm256_add_ps(even[r], odd[r])); });
}

void strip_bf16(const bf16_t* const* a, int m, const bf16_t* strip, int64_t k, float* c) {
  using StripTile = void (*)(const bf16_t* const*, const bf16_t*, int64_t, float*);
  static constexpr StripTile kStripTiles[] = {nullptr,       tile_strip<1>, tile_strip<2>,
                                              tile_strip<3>, tile_strip<4>, tile_strip<5>,
                                              tile_strip<6>, tile_strip<7>, tile_strip<8>};
  constexpr int kStripRows = 8;  // 16 accumulators
  for (int first = 0; first < m; first += kStripRows) {
    const int rows = m - first < kStripRows ? m - first : kStripRows;
    kStripTiles[rows](a + first, strip, k, c + first * kStripWidth);
  }
}

}  // namespace

const KernelTable& table() {
  static const KernelTable kTable = [] {
    KernelTable table = avx512::table();
    table.name = "avx512bf16";
    table.native_bf16 = true;
    table.panel_bf16 = panel_bf16;
    table.strip_bf16 = strip_bf16;
    return table;
  }();
  return kTable;
}

}  // namespace expertoire::avx512bf16
