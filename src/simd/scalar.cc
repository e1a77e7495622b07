// The specification of every kernel, in plain loops. Sums run over k in rising order in f32.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/half.h"
#include "simd/level.h"

namespace expertoire::scalar {
namespace {

void panel_f32(const float* const* a, int m, const float* panel, int64_t k, const float* /*next*/,
               float* c) {
  std::fill_n(c, m * kPanelWidth, 0.0F);
  for (int r = 0; r < m; ++r) {
    for (int64_t i = 0; i < k; ++i) {
      for (int j = 0; j < kPanelWidth; ++j) {
        c[r * kPanelWidth + j] += a[r][i] * panel[i * kPanelWidth + j];
      }
    }
  }
}

void panel_bf16(const bf16_t* const* a, int m, const bf16_t* panel, int64_t k,
                const bf16_t* /*next*/, float* c) {
  std::fill_n(c, m * kPanelWidth, 0.0F);
  for (int r = 0; r < m; ++r) {
    for (int64_t i = 0; i < k; ++i) {
      const bf16_t* row = panel + i / 2 * kPanelWidth * 2 + i % 2;
      for (int j = 0; j < kPanelWidth; ++j) {
        c[r * kPanelWidth + j] += bf16_to_f32(a[r][i]) * bf16_to_f32(row[2 * j]);
      }
    }
  }
}

float widen(float x) { return x; }
float widen(bf16_t x) { return expertoire::bf16_to_f32(x); }

template <class T>
void strip_product(const T* a, int64_t stride, const int32_t* rows, int m, const T* strip,
                   int64_t k, float* c) {
  constexpr int64_t kTurn = 8 / sizeof(T);
  std::fill_n(c, m * kStripWidth, 0.0F);
  for (int r = 0; r < m; ++r) {
    const T* row = a + rows[r] * stride;
    for (int64_t i = 0; i < k; ++i) {
      const T* weights = strip + i / kTurn * kTurn * kStripWidth + i % kTurn;
      for (int j = 0; j < kStripWidth; ++j) {
        c[r * kStripWidth + j] += widen(row[i]) * widen(weights[j * kTurn]);
      }
    }
  }
}

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
  for (int r = 0; r < m; ++r) {
    float* out = c + int64_t{rows[r]} * kPanelWidth;
    for (int64_t i = 0; i < k; ++i) {
      for (int j = 0; j < kPanelWidth; ++j) out[j] += a[r * k + i] * panel[i * kPanelWidth + j];
    }
  }
}

void panel_add_bf16(const bf16_t* a, const int32_t* rows, int m, const bf16_t* panel, int64_t k,
                    float* c) {
  for (int r = 0; r < m; ++r) {
    float* out = c + int64_t{rows[r]} * kPanelWidth;
    for (int64_t i = 0; i < k; ++i) {
      const bf16_t* row = panel + i / 2 * kPanelWidth * 2 + i % 2;
      for (int j = 0; j < kPanelWidth; ++j) out[j] += widen(a[r * k + i]) * widen(row[2 * j]);
    }
  }
}

void pack_f32(const float* const* rows, int64_t k, float* panel) {
  for (int64_t i = 0; i < k; ++i) {
    for (int j = 0; j < kPanelWidth; ++j) {
      panel[i * kPanelWidth + j] = rows[j] != nullptr ? rows[j][i] : 0.0F;
    }
  }
}

void pack_bf16(const bf16_t* const* rows, int64_t k, bf16_t* panel) {
  for (int64_t i = 0; i < (k + 1) / 2 * 2; ++i) {
    for (int j = 0; j < kPanelWidth; ++j) {
      const bool there = rows[j] != nullptr && i < k;
      panel[(i / 2 * kPanelWidth + j) * 2 + i % 2] = there ? rows[j][i] : bf16_t{0};
    }
  }
}

void store(const float* c, int m, int n, float* const* out) {
  for (int r = 0; r < m; ++r) std::copy_n(c + r * kPanelWidth, n, out[r]);
}

void accumulate(const float* c, int m, int n, const float* scale, float* const* out) {
  for (int r = 0; r < m; ++r) {
    const float s = scale != nullptr ? scale[r] : 1.0F;
    for (int j = 0; j < n; ++j) out[r][j] += s * c[r * kPanelWidth + j];
  }
}

float silu(float x) { return x / (1.0F + std::exp(-x)); }

void silu_mul_f32(const float* c, int m, int n, float* const* out) {
  for (int r = 0; r < m; ++r) {
    const float* row = c + r * kPanelWidth;
    for (int j = 0; j < n; ++j) out[r][j] = silu(row[j]) * row[kPanelWidth / 2 + j];
  }
}

void silu_mul_bf16(const float* c, int m, int n, bf16_t* const* out) {
  for (int r = 0; r < m; ++r) {
    const float* row = c + r * kPanelWidth;
    for (int j = 0; j < n; ++j) {
      out[r][j] = expertoire::f32_to_bf16(silu(row[j]) * row[kPanelWidth / 2 + j]);
    }
  }
}

float rms_norm(const float* x, const float* weight, float eps, int64_t n, float* out) {
  float sum = 0.0F;
  for (int64_t i = 0; i < n; ++i) sum += x[i] * x[i];
  const float factor = 1.0F / std::sqrt(sum / static_cast<float>(n) + eps);
  for (int64_t i = 0; i < n; ++i) out[i] = x[i] * factor * weight[i];
  return sum;
}

void to_bf16(const float* x, int64_t n, bf16_t* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = expertoire::f32_to_bf16(x[i]);
}

void from_bf16(const bf16_t* x, int64_t n, float* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = expertoire::bf16_to_f32(x[i]);
}

void from_f16(const uint16_t* x, int64_t n, float* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = expertoire::f16_to_f32(x[i]);
}

void add(const float* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; ++i) y[i] += x[i];
}

void scale(float a, int64_t n, float* y) {
  for (int64_t i = 0; i < n; ++i) y[i] *= a;
}

void rope(const float* cos, const float* sin, int64_t half, float* x) {
  for (int64_t i = 0; i < half; ++i) {
    const float first = x[i];
    const float second = x[i + half];
    x[i] = first * cos[i] - second * sin[i];
    x[i + half] = second * cos[i] + first * sin[i];
  }
}

float max(const float* x, int64_t n) { return *std::max_element(x, x + n); }

float exp_sum(const float* x, float shift, int64_t n, float* out) {
  float sum = 0.0F;
  for (int64_t i = 0; i < n; ++i) {
    out[i] = std::exp(x[i] - shift);
    sum += out[i];
  }
  return sum;
}

float dot(const float* x, const float* y, int64_t n) {
  float sum = 0.0F;
  for (int64_t i = 0; i < n; ++i) sum += x[i] * y[i];
  return sum;
}

bool all_finite(const float* x, int64_t n) {
  return std::all_of(x, x + n, [](float value) { return std::isfinite(value); });
}

int64_t keep(const float* x, const float* mean, const float* inverse, float limit, int64_t n,
             int32_t* keys, float* kept) {
  const auto normalized = [&](int64_t i) { return (x[i] - mean[i]) * inverse[i]; };
  float most = -std::numeric_limits<float>::infinity();
  for (int64_t i = 0; i < n; ++i) most = std::max(most, normalized(i));
  const float least = std::min(limit, most);
  int64_t count = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (normalized(i) < least) continue;
    keys[count] = static_cast<int32_t>(i);
    kept[count++] = x[i];
  }
  return count;
}

}  // namespace

const KernelTable& table() {
  static const KernelTable kTable = {.name = "scalar",
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
                                     .f32_to_bf16 = to_bf16,
                                     .bf16_to_f32 = from_bf16,
                                     .f16_to_f32 = from_f16,
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

}  // namespace expertoire::scalar
