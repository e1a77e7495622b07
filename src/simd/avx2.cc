// AVX2 with FMA and F16C.
#include <immintrin.h>

#include "simd/level.h"
#include "simd/turn.h"
#include "simd/unroll.h"

// Nothing from the standard library but templates that leave no code behind (see avx512.cc).
namespace expertoire::avx2 {
namespace {

constexpr int kLanes = 8;
constexpr int kStrip = 16;    // outputs of one tile: two vectors
constexpr int kMostRows = 6;  // 12 accumulators, 2 weights, 1 activation

// The first n lanes, 0 ≤ n ≤ 8.
__m256i tail_mask(int64_t n) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lane);
}

// --- Panel products -----------------------------------------------------------------------------

template <int R>
void tile_f32(const float* const* a, const float* panel, int64_t k, float* c) {
  __m256 sum[R][2];
  unroll<R>([&](auto r) {
    sum[r][0] = _mm256_setzero_ps();
    sum[r][1] = _mm256_setzero_ps();
  });
  for (int64_t i = 0; i < k; ++i, panel += kPanelWidth) {
    const __m256 left = _mm256_load_ps(panel);
    const __m256 right = _mm256_load_ps(panel + kLanes);
    unroll<R>([&](auto r) {
      const __m256 x = _mm256_broadcast_ss(a[r] + i);
      sum[r][0] = _mm256_fmadd_ps(x, left, sum[r][0]);
      sum[r][1] = _mm256_fmadd_ps(x, right, sum[r][1]);
    });
  }
  unroll<R>([&](auto r) {
    _mm256_storeu_ps(c + r * kPanelWidth, sum[r][0]);
    _mm256_storeu_ps(c + r * kPanelWidth + kLanes, sum[r][1]);
  });
}

__m256 low_half(__m256i pairs) { return _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16)); }

__m256 high_half(__m256i pairs) {
  return _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32(-65536)));
}

template <int R>
void tile_bf16(const bf16_t* const* a, const bf16_t* panel, int64_t k, float* c) {
  __m256 sum[R];
  unroll<R>([&](auto r) { sum[r] = _mm256_setzero_ps(); });
  for (int64_t i = 0; i < k; i += 2, panel += 2 * kPanelWidth) {
    const __m256i pairs = _mm256_load_si256(reinterpret_cast<const __m256i*>(panel));
    const __m256 even = low_half(pairs);
    const __m256 odd = high_half(pairs);
    unroll<R>([&](auto r) {
      const __m256i x = _mm256_set1_epi32(load_pair(a[r] + i));
      sum[r] = _mm256_fmadd_ps(low_half(x), even, sum[r]);
      sum[r] = _mm256_fmadd_ps(high_half(x), odd, sum[r]);
    });
  }
  unroll<R>([&](auto r) { _mm256_storeu_ps(c + r * kPanelWidth, sum[r]); });
}

// Strips of `Width` outputs, `step` elements of the panel apart; in each near-equal groups of rows.
template <int Width, class Tile, class T>
void in_tiles(const Tile* tiles, const T* const* a, int m, const T* panel, int64_t step, int64_t k,
              float* c) {
  const int groups = (m + kMostRows - 1) / kMostRows;
  for (int strip = 0; strip < kPanelWidth / Width; ++strip) {
    for (int g = 0, first = 0; g < groups; ++g) {
      const int rows = (m - first + groups - g - 1) / (groups - g);
      tiles[rows](a + first, panel + strip * step, k, c + first * kPanelWidth + strip * Width);
      first += rows;
    }
  }
}

void panel_f32(const float* const* a, int m, const float* panel, int64_t k, const float* /*next*/,
               float* c) {
  using Tile = void (*)(const float* const*, const float*, int64_t, float*);
  static constexpr Tile kTiles[] = {nullptr,     tile_f32<1>, tile_f32<2>, tile_f32<3>,
                                    tile_f32<4>, tile_f32<5>, tile_f32<6>};
  in_tiles<kStrip>(kTiles, a, m, panel, kStrip, k, c);
}

void panel_bf16(const bf16_t* const* a, int m, const bf16_t* panel, int64_t k,
                const bf16_t* /*next*/, float* c) {
  using Tile = void (*)(const bf16_t* const*, const bf16_t*, int64_t, float*);
  static constexpr Tile kTiles[] = {nullptr,      tile_bf16<1>, tile_bf16<2>, tile_bf16<3>,
                                    tile_bf16<4>, tile_bf16<5>, tile_bf16<6>};
  in_tiles<kLanes>(kTiles, a, m, panel, 2 * kLanes, k, c);
}

// --- Packing ------------------------------------------------------------------------------------

// Transposes 8 rows of 8 32-bit elements into out rows `stride` apart.
void transpose(const __m256i* in, int* out, int64_t stride) {
  __m256i a[kLanes];
  __m256i b[kLanes];
  unroll<4>([&](auto i) {
    a[2 * i] = _mm256_unpacklo_epi32(in[2 * i], in[2 * i + 1]);
    a[2 * i + 1] = _mm256_unpackhi_epi32(in[2 * i], in[2 * i + 1]);
  });
  unroll<2>([&](auto i) {
    b[4 * i] = _mm256_unpacklo_epi64(a[4 * i], a[4 * i + 2]);
    b[4 * i + 1] = _mm256_unpackhi_epi64(a[4 * i], a[4 * i + 2]);
    b[4 * i + 2] = _mm256_unpacklo_epi64(a[4 * i + 1], a[4 * i + 3]);
    b[4 * i + 3] = _mm256_unpackhi_epi64(a[4 * i + 1], a[4 * i + 3]);
  });
  unroll<4>([&](auto i) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i * stride),
                        _mm256_permute2x128_si256(b[i], b[4 + i], 0x20));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + (4 + i) * stride),
                        _mm256_permute2x128_si256(b[i], b[4 + i], 0x31));
  });
}

// rows[j] element i → panel[i][j], all elements 32 bits wide; rows may be null (zeros).
void pack_words(const void* const* rows, int64_t k, int* panel) {
  const int64_t whole = k / kLanes * kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) {
    for (int part = 0; part < kPanelWidth / kLanes; ++part) {
      __m256i in[kLanes];
      for (int j = 0; j < kLanes; ++j) {
        const char* row = static_cast<const char*>(rows[part * kLanes + j]);
        in[j] = row == nullptr ? _mm256_setzero_si256()
                               : _mm256_loadu_si256(reinterpret_cast<const __m256i*>(row + 4 * i));
      }
      transpose(in, panel + i * kPanelWidth + part * kLanes, kPanelWidth);
    }
  }
  for (int64_t i = whole; i < k; ++i) {
    for (int j = 0; j < kPanelWidth; ++j) {
      int* out = panel + i * kPanelWidth + j;
      *out = 0;
      if (rows[j] != nullptr) {
        __builtin_memcpy(out, static_cast<const char*>(rows[j]) + 4 * i, sizeof *out);
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
  const __m256i all = _mm256_set1_epi32(-1);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) body(i, all);
  if (i < n) body(i, tail_mask(n - i));
}

float reduce_add(__m256 x) {
  __m128 sum = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
  return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
}

// 2^n for whole n in [−126, 127].
__m256 power_of_two(__m256 n) {
  return _mm256_castsi256_ps(
      _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23));
}

// e^x: 2^n · e^r with |r| ≤ ln2 / 2 and e^r by its series to r⁷ (remainder below 6e-9). 2^n is
// applied in two halves, so that results below the normal range come out right.
__m256 exponential(__m256 x) {
  const __m256 bounded =
      _mm256_min_ps(_mm256_set1_ps(89.0F), _mm256_max_ps(_mm256_set1_ps(-105.0F), x));
  const __m256 n = _mm256_round_ps(_mm256_mul_ps(bounded, _mm256_set1_ps(1.44269504F)),
                                   _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693145752F), bounded);
  r = _mm256_fnmadd_ps(n, _mm256_set1_ps(1.42860677e-6F), r);
  constexpr float kSeries[] = {1.0F / 720, 1.0F / 120, 1.0F / 24, 1.0F / 6, 1.0F / 2, 1.0F, 1.0F};
  __m256 p = _mm256_set1_ps(1.0F / 5040);
  unroll<7>([&](auto i) { p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(kSeries[i])); });
  const __m256 half = _mm256_floor_ps(_mm256_mul_ps(n, _mm256_set1_ps(0.5F)));
  const __m256 scaled = _mm256_mul_ps(p, power_of_two(half));
  const __m256 result = _mm256_mul_ps(scaled, power_of_two(_mm256_sub_ps(n, half)));
  return _mm256_blendv_ps(result, x, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}

__m256 silu(__m256 x) {
  const __m256 e = exponential(_mm256_sub_ps(_mm256_setzero_ps(), x));
  return _mm256_div_ps(x, _mm256_add_ps(_mm256_set1_ps(1.0F), e));
}

// Round to nearest even; NaN becomes quiet.
__m128i narrow(__m256 x) {
  const __m256i bits = _mm256_castps_si256(x);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
  const __m256i words = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
  return _mm_packus_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}

// The first lanes of eight 16-bit values, `n` of them.
void store_halves(bf16_t* out, __m128i halves, int64_t n) {
  if (n >= kLanes) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), halves);
    return;
  }
  bf16_t buffer[kLanes];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(buffer), halves);
  for (int64_t i = 0; i < n; ++i) out[i] = buffer[i];
}

__m128i load_halves(const uint16_t* x, int64_t n) {
  if (n >= kLanes) return _mm_loadu_si128(reinterpret_cast<const __m128i*>(x));
  uint16_t buffer[kLanes] = {};
  for (int64_t i = 0; i < n; ++i) buffer[i] = x[i];
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(buffer));
}

void store(const float* c, int m, int n, float* const* out) {
  for (int r = 0; r < m; ++r) {
    steps(n, [&](int64_t i, __m256i mask) {
      _mm256_maskstore_ps(out[r] + i, mask, _mm256_loadu_ps(c + r * kPanelWidth + i));
    });
  }
}

void accumulate(const float* c, int m, int n, const float* scale, float* const* out) {
  for (int r = 0; r < m; ++r) {
    const __m256 s = _mm256_set1_ps(scale != nullptr ? scale[r] : 1.0F);
    steps(n, [&](int64_t i, __m256i mask) {
      const __m256 sum = _mm256_fmadd_ps(s, _mm256_loadu_ps(c + r * kPanelWidth + i),
                                         _mm256_maskload_ps(out[r] + i, mask));
      _mm256_maskstore_ps(out[r] + i, mask, sum);
    });
  }
}

__m256 gated(const float* gate) {
  return _mm256_mul_ps(silu(_mm256_loadu_ps(gate)), _mm256_loadu_ps(gate + kPanelWidth / 2));
}

void silu_mul_f32(const float* c, int m, int n, float* const* out) {
  for (int r = 0; r < m; ++r) {
    steps(n, [&](int64_t i, __m256i mask) {
      _mm256_maskstore_ps(out[r] + i, mask, gated(c + r * kPanelWidth + i));
    });
  }
}

void silu_mul_bf16(const float* c, int m, int n, bf16_t* const* out) {
  for (int r = 0; r < m; ++r) {
    steps(n, [&](int64_t i, __m256i /*mask*/) {
      store_halves(out[r] + i, narrow(gated(c + r * kPanelWidth + i)), n - i);
    });
  }
}

float dot(const float* x, const float* y, int64_t n) {
  __m256 sum[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(),
                   _mm256_setzero_ps()};
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    unroll<4>([&](auto v) {
      sum[v] = _mm256_fmadd_ps(_mm256_loadu_ps(x + i + v * kLanes),
                               _mm256_loadu_ps(y + i + v * kLanes), sum[v]);
    });
  }
  steps(n - i, [&](int64_t at, __m256i mask) {
    sum[0] = _mm256_fmadd_ps(_mm256_maskload_ps(x + i + at, mask),
                             _mm256_maskload_ps(y + i + at, mask), sum[0]);
  });
  return reduce_add(_mm256_add_ps(_mm256_add_ps(sum[0], sum[1]), _mm256_add_ps(sum[2], sum[3])));
}

float rms_norm(const float* x, const float* weight, float eps, int64_t n, float* out) {
  const float sum = dot(x, x, n);
  const __m256 factor = _mm256_set1_ps(1.0F / __builtin_sqrtf(sum / static_cast<float>(n) + eps));
  steps(n, [&](int64_t i, __m256i mask) {
    const __m256 scaled = _mm256_mul_ps(_mm256_maskload_ps(x + i, mask), factor);
    _mm256_maskstore_ps(out + i, mask, _mm256_mul_ps(scaled, _mm256_maskload_ps(weight + i, mask)));
  });
  return sum;
}

void f32_to_bf16(const float* x, int64_t n, bf16_t* out) {
  steps(n, [&](int64_t i, __m256i mask) {
    store_halves(out + i, narrow(_mm256_maskload_ps(x + i, mask)), n - i);
  });
}

void bf16_to_f32(const bf16_t* x, int64_t n, float* out) {
  steps(n, [&](int64_t i, __m256i mask) {
    const __m256i wide = _mm256_cvtepu16_epi32(load_halves(x + i, n - i));
    _mm256_maskstore_ps(out + i, mask, low_half(wide));
  });
}

void f16_to_f32(const uint16_t* x, int64_t n, float* out) {
  steps(n, [&](int64_t i, __m256i mask) {
    _mm256_maskstore_ps(out + i, mask, _mm256_cvtph_ps(load_halves(x + i, n - i)));
  });
}

void add(const float* x, int64_t n, float* y) {
  steps(n, [&](int64_t i, __m256i mask) {
    _mm256_maskstore_ps(
        y + i, mask,
        _mm256_add_ps(_mm256_maskload_ps(y + i, mask), _mm256_maskload_ps(x + i, mask)));
  });
}

void scale(float a, int64_t n, float* y) {
  const __m256 factor = _mm256_set1_ps(a);
  steps(n, [&](int64_t i, __m256i mask) {
    _mm256_maskstore_ps(y + i, mask, _mm256_mul_ps(_mm256_maskload_ps(y + i, mask), factor));
  });
}

void rope(const float* cos, const float* sin, int64_t half, float* x) {
  steps(half, [&](int64_t i, __m256i mask) {
    const __m256 c = _mm256_maskload_ps(cos + i, mask);
    const __m256 s = _mm256_maskload_ps(sin + i, mask);
    const __m256 first = _mm256_maskload_ps(x + i, mask);
    const __m256 second = _mm256_maskload_ps(x + half + i, mask);
    _mm256_maskstore_ps(x + i, mask, _mm256_fmsub_ps(first, c, _mm256_mul_ps(second, s)));
    _mm256_maskstore_ps(x + half + i, mask, _mm256_fmadd_ps(second, c, _mm256_mul_ps(first, s)));
  });
}

float max(const float* x, int64_t n) {
  __m256 most = _mm256_set1_ps(x[0]);
  steps(n, [&](int64_t i, __m256i mask) {
    const __m256 next = _mm256_maskload_ps(x + i, mask);
    most = _mm256_max_ps(most, _mm256_blendv_ps(most, next, _mm256_castsi256_ps(mask)));
  });
  const __m128 half = _mm_max_ps(_mm256_castps256_ps128(most), _mm256_extractf128_ps(most, 1));
  const __m128 two = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

float exp_sum(const float* x, float shift, int64_t n, float* out) {
  const __m256 offset = _mm256_set1_ps(shift);
  __m256 sum = _mm256_setzero_ps();
  steps(n, [&](int64_t i, __m256i mask) {
    const __m256 e = exponential(_mm256_sub_ps(_mm256_maskload_ps(x + i, mask), offset));
    _mm256_maskstore_ps(out + i, mask, e);
    sum = _mm256_add_ps(sum, _mm256_and_ps(e, _mm256_castsi256_ps(mask)));
  });
  return reduce_add(sum);
}

bool all_finite(const float* x, int64_t n) {
  // The exponent of NaN and infinity is all ones.
  const __m256i limit = _mm256_set1_epi32(0x7f800000);
  __m256i bad = _mm256_setzero_si256();
  steps(n, [&](int64_t i, __m256i mask) {
    const __m256i bits = _mm256_castps_si256(_mm256_maskload_ps(x + i, mask));
    bad = _mm256_or_si256(bad, _mm256_cmpeq_epi32(_mm256_and_si256(bits, limit), limit));
  });
  return _mm256_testz_si256(bad, bad) != 0;
}

__m256 normalized(const float* x, const float* mean, const float* inverse, __m256i mask) {
  return _mm256_mul_ps(_mm256_sub_ps(_mm256_maskload_ps(x, mask), _mm256_maskload_ps(mean, mask)),
                       _mm256_maskload_ps(inverse, mask));
}

int64_t keep_reaching(const float* x, const float* mean, const float* inverse, float limit,
                      int64_t n, int32_t* keys, float* kept) {
  int64_t count = 0;
  steps(n, [&](int64_t i, __m256i mask) {
    const __m256 value = normalized(x + i, mean + i, inverse + i, mask);
    const __m256 reach = _mm256_and_ps(_mm256_cmp_ps(value, _mm256_set1_ps(limit), _CMP_GE_OQ),
                                       _mm256_castsi256_ps(mask));
    for (int bits = _mm256_movemask_ps(reach); bits != 0; bits &= bits - 1, ++count) {
      const int64_t at = i + __builtin_ctz(static_cast<unsigned>(bits));
      keys[count] = static_cast<int32_t>(at);
      kept[count] = x[at];
    }
  });
  return count;
}

int64_t keep(const float* x, const float* mean, const float* inverse, float limit, int64_t n,
             int32_t* keys, float* kept) {
  const int64_t count = keep_reaching(x, mean, inverse, limit, n, keys, kept);
  if (count > 0) return count;
  float most = -__builtin_inff();
  for (int64_t i = 0; i < n; ++i) {
    const float value = (x[i] - mean[i]) * inverse[i];
    most = value > most ? value : most;
  }
  return keep_reaching(x, mean, inverse, most, n, keys, kept);
}

}  // namespace

const KernelTable& table() {
  static constexpr KernelTable kTable = {.name = "avx2",
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

}  // namespace expertoire::avx2
