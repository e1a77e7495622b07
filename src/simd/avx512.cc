// AVX-512 without bf16 instructions.
#include <immintrin.h>

#include <cstddef>

#include "simd/level.h"
#include "simd/turn.h"
#include "simd/unroll.h"

// Nothing from the standard library but templates that leave no code behind: an inline function
// compiled here could be the copy that the linker keeps for a CPU without AVX-512.
namespace expertoire::avx512 {
namespace {

constexpr int kLanes = 16;
constexpr int kParts = kPanelWidth / kLanes;  // vectors in a panel row
constexpr int kRowsF32 = 6;                   // 24 accumulators
constexpr int kRowsBf16 = 4;                  // 16 accumulators, 8 for weights

__mmask16 tail_mask(int64_t n) { return static_cast<__mmask16>((1u << n) - 1u); }

// --- Panel products -----------------------------------------------------------------------------

template <int R>
void tile_f32(const float* const* a, const float* panel, int64_t k, float* c) {
  __m512 sum[R][kParts];
  const float* row[R];
  unroll<R>([&](auto r) {
    row[r] = a[r];
    unroll<kParts>([&](auto v) { sum[r][v] = _mm512_setzero_ps(); });
  });
  for (int64_t i = 0; i < k; ++i, panel += kPanelWidth) {
    __m512 weight[kParts];
    unroll<kParts>([&](auto v) { weight[v] = _mm512_load_ps(panel + v * kLanes); });
    unroll<R>([&](auto r) {
      const __m512 x = _mm512_set1_ps(row[r][i]);
      unroll<kParts>([&](auto v) { sum[r][v] = _mm512_fmadd_ps(x, weight[v], sum[r][v]); });
    });
  }
  unroll<R>([&](auto r) {
    unroll<kParts>([&](auto v) { _mm512_storeu_ps(c + r * kPanelWidth + v * kLanes, sum[r][v]); });
  });
}

__m512 low_half(__m512i pairs) { return _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16)); }

__m512 high_half(__m512i pairs) {
  return _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32(-65536)));
}

template <int R>
void tile_bf16(const bf16_t* const* a, const bf16_t* panel, int64_t k, float* c) {
  __m512 sum[R][kParts];
  unroll<R>([&](auto r) { unroll<kParts>([&](auto v) { sum[r][v] = _mm512_setzero_ps(); }); });
  for (int64_t i = 0; i < k; i += 2, panel += 2 * kPanelWidth) {
    __m512 even[kParts];
    __m512 odd[kParts];
    unroll<kParts>([&](auto v) {
      const __m512i pairs = _mm512_load_si512(panel + v * 2 * kLanes);
      even[v] = low_half(pairs);
      odd[v] = high_half(pairs);
    });
    unroll<R>([&](auto r) {
      const __m512i pair = _mm512_set1_epi32(load_pair(a[r] + i));
      const __m512 first = low_half(pair);
      const __m512 second = high_half(pair);
      unroll<kParts>([&](auto v) {
        sum[r][v] = _mm512_fmadd_ps(first, even[v], sum[r][v]);
        sum[r][v] = _mm512_fmadd_ps(second, odd[v], sum[r][v]);
      });
    });
  }
  unroll<R>([&](auto r) {
    unroll<kParts>([&](auto v) { _mm512_storeu_ps(c + r * kPanelWidth + v * kLanes, sum[r][v]); });
  });
}

// Cuts m rows into near-equal groups of at most Most: 16 is 6 + 5 + 5, not 6 + 6 + 4.
template <int Most, class Table, class T>
void in_groups(const Table& tiles, const T* const* a, int m, const T* panel, int64_t k, float* c) {
  const int groups = (m + Most - 1) / Most;
  for (int g = 0, first = 0; g < groups; ++g) {
    const int rows = (m - first + groups - g - 1) / (groups - g);
    tiles[rows](a + first, panel, k, c + first * kPanelWidth);
    first += rows;
  }
}

void panel_f32(const float* const* a, int m, const float* panel, int64_t k, const float* /*next*/,
               float* c) {
  using Tile = void (*)(const float* const*, const float*, int64_t, float*);
  static constexpr Tile kTiles[] = {nullptr,     tile_f32<1>, tile_f32<2>, tile_f32<3>,
                                    tile_f32<4>, tile_f32<5>, tile_f32<6>};
  in_groups<kRowsF32>(kTiles, a, m, panel, k, c);
}

void panel_bf16(const bf16_t* const* a, int m, const bf16_t* panel, int64_t k,
                const bf16_t* /*next*/, float* c) {
  using Tile = void (*)(const bf16_t* const*, const bf16_t*, int64_t, float*);
  static constexpr Tile kTiles[] = {nullptr, tile_bf16<1>, tile_bf16<2>, tile_bf16<3>,
                                    tile_bf16<4>};
  in_groups<kRowsBf16>(kTiles, a, m, panel, k, c);
}

// --- Packing ------------------------------------------------------------------------------------

// Transposes 16 rows of 16 32-bit elements: in[j] element i → out row i, element j.
void transpose(const __m512i* in, int* out, int64_t stride) {
  __m512i a[kLanes];
  __m512i b[kLanes];
  unroll<8>([&](auto i) {
    a[2 * i] = _mm512_unpacklo_epi32(in[2 * i], in[2 * i + 1]);
    a[2 * i + 1] = _mm512_unpackhi_epi32(in[2 * i], in[2 * i + 1]);
  });
  unroll<4>([&](auto i) {
    b[4 * i] = _mm512_unpacklo_epi64(a[4 * i], a[4 * i + 2]);
    b[4 * i + 1] = _mm512_unpackhi_epi64(a[4 * i], a[4 * i + 2]);
    b[4 * i + 2] = _mm512_unpacklo_epi64(a[4 * i + 1], a[4 * i + 3]);
    b[4 * i + 3] = _mm512_unpackhi_epi64(a[4 * i + 1], a[4 * i + 3]);
  });
  unroll<4>([&](auto i) {  // b[4g + i]: lane l holds column 4l + i of rows 4g … 4g + 3
    const __m512i low01 = _mm512_shuffle_i32x4(b[i], b[4 + i], 0x88);  // lanes 0, 2
    const __m512i low23 = _mm512_shuffle_i32x4(b[8 + i], b[12 + i], 0x88);
    const __m512i high01 = _mm512_shuffle_i32x4(b[i], b[4 + i], 0xdd);  // lanes 1, 3
    const __m512i high23 = _mm512_shuffle_i32x4(b[8 + i], b[12 + i], 0xdd);
    _mm512_storeu_si512(out + i * stride, _mm512_shuffle_i32x4(low01, low23, 0x88));
    _mm512_storeu_si512(out + (4 + i) * stride, _mm512_shuffle_i32x4(high01, high23, 0x88));
    _mm512_storeu_si512(out + (8 + i) * stride, _mm512_shuffle_i32x4(low01, low23, 0xdd));
    _mm512_storeu_si512(out + (12 + i) * stride, _mm512_shuffle_i32x4(high01, high23, 0xdd));
  });
}

// rows[j] element i → panel[i][j], all elements 32 bits wide; rows may be null (zeros).
void pack_words(const void* const* rows, int64_t k, int* panel) {
  for (int64_t i = 0; i < k; i += kLanes) {
    const int64_t count = k - i < kLanes ? k - i : kLanes;
    const __mmask16 mask = tail_mask(count);
    for (int part = 0; part < kParts; ++part) {
      __m512i in[kLanes];
      for (int j = 0; j < kLanes; ++j) {
        const void* row = rows[part * kLanes + j];
        in[j] = row == nullptr ? _mm512_setzero_si512()
                               : _mm512_maskz_loadu_epi32(mask, static_cast<const int*>(row) + i);
      }
      int block[kLanes * kLanes];
      int* out = panel + i * kPanelWidth + part * kLanes;
      transpose(in, count == kLanes ? out : block, count == kLanes ? kPanelWidth : kLanes);
      for (int64_t x = 0; count < kLanes && x < count; ++x) {
        _mm512_storeu_si512(out + x * kPanelWidth, _mm512_loadu_si512(block + x * kLanes));
      }
    }
  }
}

void pack_f32(const float* const* rows, int64_t k, float* panel) {
  const void* words[kPanelWidth];
  for (int j = 0; j < kPanelWidth; ++j) words[j] = rows[j];
  pack_words(words, k, reinterpret_cast<int*>(panel));
}

void pack_bf16(const bf16_t* const* rows, int64_t k, bf16_t* panel) {
  const void* words[kPanelWidth];
  for (int j = 0; j < kPanelWidth; ++j) words[j] = rows[j];
  pack_words(words, k / 2, reinterpret_cast<int*>(panel));
  if (k % 2 == 0) return;
  bf16_t* last = panel + k / 2 * kPanelWidth * 2;
  for (int j = 0; j < kPanelWidth; ++j) {
    last[2 * j] = rows[j] != nullptr ? rows[j][k - 1] : bf16_t{0};
    last[2 * j + 1] = 0;
  }
}

// --- Vectors ------------------------------------------------------------------------------------

// body(offset, mask) over n elements, the last step masked.
template <class Body>
[[gnu::always_inline]] inline void steps(int64_t n, Body&& body) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) body(i, static_cast<__mmask16>(0xffff));
  if (i < n) body(i, tail_mask(n - i));
}

// e^x: 2^n · e^r with |r| ≤ ln2 / 2 and e^r by its series to r⁷ (remainder below 6e-9).
__m512 exponential(__m512 x) {
  const __m512 bounded =
      _mm512_min_ps(_mm512_set1_ps(89.0F), _mm512_max_ps(_mm512_set1_ps(-105.0F), x));
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(bounded, _mm512_set1_ps(1.44269504F)),
                                        _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693145752F), bounded);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(1.42860677e-6F), r);
  constexpr float kSeries[] = {1.0F / 720, 1.0F / 120, 1.0F / 24, 1.0F / 6, 1.0F / 2, 1.0F, 1.0F};
  __m512 p = _mm512_set1_ps(1.0F / 5040);
  unroll<7>([&](auto i) { p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(kSeries[i])); });
  return _mm512_scalef_ps(p, n);
}

__m512 silu(__m512 x) {
  const __m512 e = exponential(_mm512_sub_ps(_mm512_setzero_ps(), x));
  return _mm512_div_ps(x, _mm512_add_ps(_mm512_set1_ps(1.0F), e));
}

// Round to nearest even; NaN becomes quiet.
__m256i narrow(__m512 x) {
  const __m512i bits = _mm512_castps_si512(x);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
  const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
  return _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_mask_mov_epi32(rounded, nan, quiet), 16));
}

void store(const float* c, int m, int n, float* const* out) {
  for (int r = 0; r < m; ++r) {
    steps(n, [&](int64_t i, __mmask16 mask) {
      _mm512_mask_storeu_ps(out[r] + i, mask, _mm512_loadu_ps(c + r * kPanelWidth + i));
    });
  }
}

void accumulate(const float* c, int m, int n, const float* scale, float* const* out) {
  for (int r = 0; r < m; ++r) {
    const __m512 s = _mm512_set1_ps(scale != nullptr ? scale[r] : 1.0F);
    steps(n, [&](int64_t i, __mmask16 mask) {
      const __m512 sum = _mm512_fmadd_ps(s, _mm512_loadu_ps(c + r * kPanelWidth + i),
                                         _mm512_maskz_loadu_ps(mask, out[r] + i));
      _mm512_mask_storeu_ps(out[r] + i, mask, sum);
    });
  }
}

__m512 gated(const float* gate) {
  return _mm512_mul_ps(silu(_mm512_loadu_ps(gate)), _mm512_loadu_ps(gate + kPanelWidth / 2));
}

void silu_mul_f32(const float* c, int m, int n, float* const* out) {
  for (int r = 0; r < m; ++r) {
    steps(n, [&](int64_t i, __mmask16 mask) {
      _mm512_mask_storeu_ps(out[r] + i, mask, gated(c + r * kPanelWidth + i));
    });
  }
}

void silu_mul_bf16(const float* c, int m, int n, bf16_t* const* out) {
  for (int r = 0; r < m; ++r) {
    steps(n, [&](int64_t i, __mmask16 mask) {
      _mm256_mask_storeu_epi16(out[r] + i, mask, narrow(gated(c + r * kPanelWidth + i)));
    });
  }
}

float dot(const float* x, const float* y, int64_t n) {
  __m512 sum[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
                   _mm512_setzero_ps()};
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    unroll<4>([&](auto v) {
      sum[v] = _mm512_fmadd_ps(_mm512_loadu_ps(x + i + v * kLanes),
                               _mm512_loadu_ps(y + i + v * kLanes), sum[v]);
    });
  }
  steps(n - i, [&](int64_t at, __mmask16 mask) {
    sum[0] = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, x + i + at),
                             _mm512_maskz_loadu_ps(mask, y + i + at), sum[0]);
  });
  return _mm512_reduce_add_ps(
      _mm512_add_ps(_mm512_add_ps(sum[0], sum[1]), _mm512_add_ps(sum[2], sum[3])));
}

float rms_norm(const float* x, const float* weight, float eps, int64_t n, float* out) {
  const float sum = dot(x, x, n);
  const __m512 factor = _mm512_set1_ps(1.0F / __builtin_sqrtf(sum / static_cast<float>(n) + eps));
  steps(n, [&](int64_t i, __mmask16 mask) {
    const __m512 scaled = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), factor);
    _mm512_mask_storeu_ps(out + i, mask,
                          _mm512_mul_ps(scaled, _mm512_maskz_loadu_ps(mask, weight + i)));
  });
  return sum;
}

void f32_to_bf16(const float* x, int64_t n, bf16_t* out) {
  steps(n, [&](int64_t i, __mmask16 mask) {
    _mm256_mask_storeu_epi16(out + i, mask, narrow(_mm512_maskz_loadu_ps(mask, x + i)));
  });
}

void bf16_to_f32(const bf16_t* x, int64_t n, float* out) {
  steps(n, [&](int64_t i, __mmask16 mask) {
    const __m512i wide = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, x + i));
    _mm512_mask_storeu_ps(out + i, mask, low_half(wide));
  });
}

void f16_to_f32(const uint16_t* x, int64_t n, float* out) {
  steps(n, [&](int64_t i, __mmask16 mask) {
    _mm512_mask_storeu_ps(out + i, mask, _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, x + i)));
  });
}

void add(const float* x, int64_t n, float* y) {
  steps(n, [&](int64_t i, __mmask16 mask) {
    _mm512_mask_storeu_ps(
        y + i, mask,
        _mm512_add_ps(_mm512_maskz_loadu_ps(mask, y + i), _mm512_maskz_loadu_ps(mask, x + i)));
  });
}

void scale(float a, int64_t n, float* y) {
  const __m512 factor = _mm512_set1_ps(a);
  steps(n, [&](int64_t i, __mmask16 mask) {
    _mm512_mask_storeu_ps(y + i, mask, _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, y + i), factor));
  });
}

void rope(const float* cos, const float* sin, int64_t half, float* x) {
  steps(half, [&](int64_t i, __mmask16 mask) {
    const __m512 c = _mm512_maskz_loadu_ps(mask, cos + i);
    const __m512 s = _mm512_maskz_loadu_ps(mask, sin + i);
    const __m512 first = _mm512_maskz_loadu_ps(mask, x + i);
    const __m512 second = _mm512_maskz_loadu_ps(mask, x + half + i);
    _mm512_mask_storeu_ps(x + i, mask, _mm512_fmsub_ps(first, c, _mm512_mul_ps(second, s)));
    _mm512_mask_storeu_ps(x + half + i, mask, _mm512_fmadd_ps(second, c, _mm512_mul_ps(first, s)));
  });
}

float max(const float* x, int64_t n) {
  __m512 most = _mm512_set1_ps(x[0]);
  steps(n, [&](int64_t i, __mmask16 mask) {
    most = _mm512_max_ps(most, _mm512_mask_loadu_ps(most, mask, x + i));
  });
  return _mm512_reduce_max_ps(most);
}

float exp_sum(const float* x, float shift, int64_t n, float* out) {
  const __m512 offset = _mm512_set1_ps(shift);
  __m512 sum = _mm512_setzero_ps();
  steps(n, [&](int64_t i, __mmask16 mask) {
    const __m512 e = exponential(_mm512_sub_ps(_mm512_maskz_loadu_ps(mask, x + i), offset));
    _mm512_mask_storeu_ps(out + i, mask, e);
    sum = _mm512_mask_add_ps(sum, mask, sum, e);
  });
  return _mm512_reduce_add_ps(sum);
}

bool all_finite(const float* x, int64_t n) {
  // The exponent of NaN and infinity is all ones; anything else compares below it.
  const __m512i limit = _mm512_set1_epi32(0x7f800000);
  __mmask16 bad = 0;
  steps(n, [&](int64_t i, __mmask16 mask) {
    const __m512i bits = _mm512_maskz_loadu_epi32(mask, x + i);
    bad =
        static_cast<__mmask16>(bad | _mm512_cmpeq_epi32_mask(_mm512_and_si512(bits, limit), limit));
  });
  return bad == 0;
}

__m512 normalized(const float* x, const float* mean, const float* inverse, __mmask16 mask) {
  return _mm512_mul_ps(
      _mm512_sub_ps(_mm512_maskz_loadu_ps(mask, x), _mm512_maskz_loadu_ps(mask, mean)),
      _mm512_maskz_loadu_ps(mask, inverse));
}

int64_t keep_reaching(const float* x, const float* mean, const float* inverse, float limit,
                      int64_t n, int32_t* keys, float* kept) {
  const __m512 least = _mm512_set1_ps(limit);
  __m512i position = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  int64_t count = 0;
  steps(n, [&](int64_t i, __mmask16 mask) {
    const __mmask16 reach = _mm512_mask_cmp_ps_mask(
        mask, normalized(x + i, mean + i, inverse + i, mask), least, _CMP_GE_OQ);
    // Through a register: a compressing store is slow on Zen 4.
    const int found = __builtin_popcount(reach);
    const __mmask16 front = tail_mask(found);
    _mm512_mask_storeu_epi32(keys + count, front, _mm512_maskz_compress_epi32(reach, position));
    _mm512_mask_storeu_ps(kept + count, front,
                          _mm512_maskz_compress_ps(reach, _mm512_maskz_loadu_ps(mask, x + i)));
    count += found;
    position = _mm512_add_epi32(position, _mm512_set1_epi32(kLanes));
  });
  return count;
}

int64_t keep(const float* x, const float* mean, const float* inverse, float limit, int64_t n,
             int32_t* keys, float* kept) {
  const int64_t count = keep_reaching(x, mean, inverse, limit, n, keys, kept);
  if (count > 0) return count;
  __m512 most = _mm512_set1_ps(-__builtin_inff());
  steps(n, [&](int64_t i, __mmask16 mask) {
    most = _mm512_mask_max_ps(most, mask, most, normalized(x + i, mean + i, inverse + i, mask));
  });
  return keep_reaching(x, mean, inverse, _mm512_reduce_max_ps(most), n, keys, kept);
}

}  // namespace

const KernelTable& table() {
  static constexpr KernelTable kTable = {.name = "avx512",
                                         .native_bf16 = false,
                                         .panel_f32 = panel_f32,
                                         .panel_bf16 = panel_bf16,
                                         .strip_f32 = strip_f32,
                                         .strip_bf16 = strip_bf16,
                                         .panel_add_f32 = panel_add_f32,
                                         .panel_add_bf16 = panel_add_bf16,
                                         .pack_f32 = pack_f32,
                                         .pack_bf16 = pack_bf16,
                                         .store = store,
                                         .accumulate = accumulate,
                                         .silu_mul_f32 = silu_mul_f32,
                                         .silu_mul_bf16 = silu_mul_bf16,
                                         .rms_norm = rms_norm,
                                         .f32_to_bf16 = f32_to_bf16,
                                         .bf16_to_f32 = bf16_to_f32,
                                         .f16_to_f32 = f16_to_f32,
                                         .add = add,
                                         .scale = scale,
                                         .rope = rope,
                                         .max = max,
                                         .exp_sum = exp_sum,
                                         .dot = dot,
                                         .all_finite = all_finite,
                                         .keep = keep};
  return kTable;
}

}  // namespace expertoire::avx512
