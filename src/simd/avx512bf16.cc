// AVX-512 with bf16 dot products: the avx512 level with another bf16 product.
#include <immintrin.h>

#include "simd/level.h"
#include "simd/turn.h"
#include "simd/unroll.h"

namespace expertoire::avx512bf16 {
namespace {

constexpr int kParts = 4;     // vectors of 16 outputs in a panel row
constexpr int kPairs = 32;    // bf16 values of one vector
constexpr int kMostRows = 6;  // 24 accumulators, 4 weights, 1 activation

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

// --- Sparse products ----------------------------------------------------------------------------

constexpr int kChains = 4;  // as in avx512_sparse.cc: sums of an element of a strip

__m512 broadcast_turn(const bf16_t* x) {
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

void add_turn(__m512 x, const bf16_t* turn, __m512& chain) {
  chain = _mm512_dpbf16_ps(chain, reinterpret_cast<__m512bh>(x),
                           reinterpret_cast<__m512bh>(_mm512_load_si512(turn)));
}

template <int R>
void strip_tile(const bf16_t* a, int64_t stride, const int32_t* rows, const bf16_t* strip,
                int64_t k, float* c) {
  __m512 sum[R][kChains];
  const bf16_t* row[R];
  unroll<R>([&](auto r) {
    row[r] = a + rows[r] * stride;
    unroll<kChains>([&](auto v) { sum[r][v] = _mm512_setzero_ps(); });
  });
  constexpr int kStep = kChains * kTurn<bf16_t>;
  int64_t i = 0;
  for (; i + kStep <= k; i += kStep, strip += kStep * kStripWidth) {
    unroll<kChains>([&](auto v) {
      unroll<R>([&](auto r) {
        add_turn(broadcast_turn(row[r] + i + v * kTurn<bf16_t>), strip + v * 8 * kTurn<bf16_t>,
                 sum[r][v]);
      });
    });
  }
  for (; i < k; i += kTurn<bf16_t>, strip += kTurn<bf16_t> * kStripWidth) {
    unroll<R>([&](auto r) {
      const __m512i x = _mm512_set1_epi64(last_turn(row[r] + i, k - i));
      add_turn(_mm512_castsi512_ps(x), strip, sum[r][0]);
    });
  }
  unroll<R>([&](auto r) { _mm256_storeu_ps(c + r * kStripWidth, fold(sum[r])); });
}

void strip_bf16(const bf16_t* a, int64_t stride, const int32_t* rows, int m, const bf16_t* strip,
                int64_t k, float* c) {
  using StripTile =
      void (*)(const bf16_t*, int64_t, const int32_t*, const bf16_t*, int64_t, float*);
  static constexpr StripTile kStripTiles[] = {nullptr,       strip_tile<1>, strip_tile<2>,
                                              strip_tile<3>, strip_tile<4>, strip_tile<5>,
                                              strip_tile<6>};
  const int groups = (m + kMostRows - 1) / kMostRows;
  for (int g = 0, first = 0; g < groups; ++g) {
    const int count = (m - first + groups - g - 1) / (groups - g);
    kStripTiles[count](a, stride, rows + first, strip, k, c + first * kStripWidth);
    first += count;
  }
}

template <int R>
void panel_add_tile(const bf16_t* a, const int32_t* rows, const bf16_t* panel, int64_t k,
                    float* c) {
  __m512 sum[R][kParts];
  const bf16_t* row[R];
  unroll<R>([&](auto r) {
    row[r] = a + r * k;
    const float* out = c + int64_t{rows[r]} * kPanelWidth;
    unroll<kParts>([&](auto v) { sum[r][v] = _mm512_loadu_ps(out + v * 16); });
  });
  for (int64_t i = 0; i < k; i += 2, panel += 2 * kPanelWidth) {
    __m512bh weight[kParts];
    unroll<kParts>([&](auto v) {
      weight[v] = reinterpret_cast<__m512bh>(_mm512_load_si512(panel + v * kPairs));
    });
    unroll<R>([&](auto r) {
      const __m512bh x = reinterpret_cast<__m512bh>(_mm512_set1_epi32(load_pair(row[r] + i)));
      unroll<kParts>([&](auto v) { sum[r][v] = _mm512_dpbf16_ps(sum[r][v], x, weight[v]); });
    });
  }
  unroll<R>([&](auto r) {
    float* out = c + int64_t{rows[r]} * kPanelWidth;
    unroll<kParts>([&](auto v) { _mm512_storeu_ps(out + v * 16, sum[r][v]); });
  });
}

void panel_add_bf16(const bf16_t* a, const int32_t* rows, int m, const bf16_t* panel, int64_t k,
                    float* c) {
  using AddTile = void (*)(const bf16_t*, const int32_t*, const bf16_t*, int64_t, float*);
  static constexpr AddTile kAddTiles[] = {nullptr,           panel_add_tile<1>, panel_add_tile<2>,
                                          panel_add_tile<3>, panel_add_tile<4>, panel_add_tile<5>,
                                          panel_add_tile<6>};
  const int groups = (m + kMostRows - 1) / kMostRows;
  for (int g = 0, first = 0; g < groups; ++g) {
    const int count = (m - first + groups - g - 1) / (groups - g);
    kAddTiles[count](a + first * k, rows + first, panel, k, c);
    first += count;
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
    table.panel_add_bf16 = panel_add_bf16;
    return table;
  }();
  return kTable;
}

}  // namespace expertoire::avx512bf16
