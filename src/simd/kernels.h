// The one list of kernels. Each SIMD level fills a KernelTable; the scalar level is the
// specification and the oracle of the others.
//
// Layout of a packed matrix: outputs are cut into panels of kPanelWidth; a panel holds all K
// inputs of its outputs:
//   f32:   panel[k][64]
//   bf16:  panel[k/2][64][2]     (K padded with zeros to an even number)
// Products of few rows with few outputs take strips of kStripWidth outputs, each output's inputs in
// turns of 8 bytes, the last padded with zeros:
//   f32:   strip[k/2][8][2]
//   bf16:  strip[k/4][8][4]
// A product C = A·Wᵀ is computed panel by panel with the full K in one sweep, so every element of
// C is a sum over k in one fixed order of its level, whatever the other rows, the batch or threads.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace expertoire {

inline constexpr int kPanelWidth = 64;
/// Most rows of A that one call of a panel product takes (bounds its C tile: 32 KB).
inline constexpr int kMaxPanelRows = 128;
inline constexpr int kStripWidth = 8;

/// Stored bits of a bf16 number.
using bf16_t = uint16_t;

/// All pointers may be unaligned except panels, which are 64-byte aligned. `n`, `k`, `m` ≥ 0.
/// Functions are pure, thread-safe, and never allocate. Same input, same bits, on every call.
struct KernelTable {
  /// "scalar", "avx2", "avx512", "avx512bf16".
  std::string_view name;
  /// Does the bf16 product run on bf16 instructions? Decides the default of --compute.
  bool native_bf16 = false;

  // --- Panel products -------------------------------------------------------------------------
  // c[r*64 + j] = Σ_k a[r][k] · panel(k, j) for r < m ≤ kMaxPanelRows, accumulated in f32.
  // `next` (may be null): the panel that the caller will ask for next; a level may prefetch it.

  void (*panel_f32)(const float* const* a, int m, const float* panel, int64_t k, const float* next,
                    float* c);
  /// `k` even; rows of a hold k values (the caller pads with zero).
  void (*panel_bf16)(const bf16_t* const* a, int m, const bf16_t* panel, int64_t k,
                     const bf16_t* next, float* c);

  // --- Sparse products ------------------------------------------------------------------------
  // For some rows and some outputs: what a factored layer's kept keys need. Any m.

  /// c[r*8 + j] = Σ_k a[rows[r]·stride + k] · strip(k, j); reads k values of a row, no more.
  void (*strip_f32)(const float* a, int64_t stride, const int32_t* rows, int m, const float* strip,
                    int64_t k, float* c);
  void (*strip_bf16)(const bf16_t* a, int64_t stride, const int32_t* rows, int m,
                     const bf16_t* strip, int64_t k, float* c);
  /// c[rows[r]*64 + j] += Σ_i a[r*k + i] · panel(i, j), added to c one after the other. `panel`: a
  /// run of k inputs inside a panel; no row comes twice.
  void (*panel_add_f32)(const float* a, const int32_t* rows, int m, const float* panel, int64_t k,
                        float* c);
  /// `k` even.
  void (*panel_add_bf16)(const bf16_t* a, const int32_t* rows, int m, const bf16_t* panel,
                         int64_t k, float* c);

  // --- Packing --------------------------------------------------------------------------------
  // rows[j] points at the k values of output j of the panel, or is null: a row of zeros.

  void (*pack_f32)(const float* const* rows, int64_t k, float* panel);
  /// Writes round_up(k, 2) values for each output.
  void (*pack_bf16)(const bf16_t* const* rows, int64_t k, bf16_t* panel);

  // --- What is done with a C tile ---------------------------------------------------------------
  // c: [m][64] as above. Row r goes to out[r], columns [0, n), n ≤ 64.

  /// out[r][j] = c[r][j]
  void (*store)(const float* c, int m, int n, float* const* out);
  /// out[r][j] += scale[r] · c[r][j]   (scale null = all ones)
  void (*accumulate)(const float* c, int m, int n, const float* scale, float* const* out);
  /// out[r][j] = silu(c[r][j]) · c[r][32 + j], j < n ≤ 32: gate in the first half, up in the
  /// second.
  void (*silu_mul_f32)(const float* c, int m, int n, float* const* out);
  void (*silu_mul_bf16)(const float* c, int m, int n, bf16_t* const* out);

  // --- Vectors ----------------------------------------------------------------------------------

  /// out[i] = x[i] · weight[i] / sqrt(mean(x²) + eps); out may be x. Returns Σ x², the bits of
  /// dot(x, x): no finite number where x is none or too large to square, which `out` may not show.
  float (*rms_norm)(const float* x, const float* weight, float eps, int64_t n, float* out);
  void (*f32_to_bf16)(const float* x, int64_t n, bf16_t* out);
  void (*bf16_to_f32)(const bf16_t* x, int64_t n, float* out);
  void (*f16_to_f32)(const uint16_t* x, int64_t n, float* out);
  /// y[i] += x[i]
  void (*add)(const float* x, int64_t n, float* y);
  /// y[i] *= a
  void (*scale)(float a, int64_t n, float* y);
  /// Rotary embedding of one head, rotate-half convention, in place: for i < half
  /// (x[i], x[i+half]) ← (x[i]·cos[i] − x[i+half]·sin[i], x[i+half]·cos[i] + x[i]·sin[i]).
  void (*rope)(const float* cos, const float* sin, int64_t half, float* x);
  /// max x[i], n ≥ 1. NaN in, NaN or any number out.
  float (*max)(const float* x, int64_t n);
  /// out[i] = exp(x[i] − shift); returns their sum. out may be x. exp within 2 ulp of the exact
  /// value; exp(−inf) = 0.
  float (*exp_sum)(const float* x, float shift, int64_t n, float* out);
  /// Σ x[i]·y[i]
  float (*dot)(const float* x, const float* y, int64_t n);
  /// Are all values finite?
  bool (*all_finite)(const float* x, int64_t n);
  /// The elements whose (x[i] − mean[i]) · inverse[i] reaches `limit`, or where none does, the
  /// greatest: their positions into `keys` and their x into `kept`, rising; returns how many. Both
  /// have room for n. All numbers finite.
  int64_t (*keep)(const float* x, const float* mean, const float* inverse, float limit, int64_t n,
                  int32_t* keys, float* kept);
};

/// Levels compiled in and supported by this CPU, slowest first; "scalar" is always there.
std::vector<const KernelTable*> available_kernels();

/// The best available level, or the one named by the environment variable EXPERTOIRE_SIMD.
/// Errors: kUnsupported for a level that this build or CPU lacks (names those that it has).
const KernelTable& default_kernels();

/// The level of that name. Errors as above.
const KernelTable& kernels_by_name(std::string_view name);

/// Every level that was compiled in, with what it needs and whether this CPU has it:
/// what `expertoire info --cpu` prints.
struct KernelLevel {
  std::string_view name;
  std::string_view needs;  ///< e.g. "AVX2, FMA, F16C"
  bool available = false;
};
std::vector<KernelLevel> kernel_levels();

}  // namespace expertoire
