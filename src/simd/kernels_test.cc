// Every level against the scalar one. Tolerances are derived: a sum of n products computed in any
// order in f32 differs from the exact one by at most about n · eps · Σ|x·y| (Higham, γ_n).
#include "simd/kernels.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "base/error.h"
#include "base/half.h"

namespace expertoire {
namespace {

constexpr float kEps = 1.2e-7F;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();
// Around the lane widths of all levels.
const std::vector<int64_t> kSizes = {1,  2,  3,  7,  8,  9,  15,  16,  17,
                                     31, 32, 33, 63, 64, 65, 200, 2048};

class KernelsTest : public testing::TestWithParam<const KernelTable*> {
 protected:
  const KernelTable& k() const { return *GetParam(); }
  const KernelTable& spec() const { return kernels_by_name("scalar"); }
  std::mt19937 random_{7};

  std::vector<float> floats(int64_t n, float spread = 1.0F) {
    std::normal_distribution<float> normal(0.0F, spread);
    std::vector<float> values(static_cast<size_t>(n));
    for (float& value : values) value = normal(random_);
    return values;
  }
  std::vector<bf16_t> halves(int64_t n) {
    std::vector<bf16_t> bits;
    for (float value : floats(n)) bits.push_back(f32_to_bf16(value));
    return bits;
  }
};

template <class T>
T* align64(std::vector<T>& storage) {
  return reinterpret_cast<T*>((reinterpret_cast<uintptr_t>(storage.data()) + 63) / 64 * 64);
}

float widen(float x) { return x; }
float widen(bf16_t x) { return bf16_to_f32(x); }

// A product of both types: rows at odd strides, against a sum in double.
template <class T, class Pack, class Panel>
void check_panel(const std::vector<T>& a, const std::vector<T>& w, int m, int64_t k, Pack pack,
                 Panel product) {
  const int64_t stride = k + 3;  // misaligned rows
  std::vector<const T*> rows;
  for (int r = 0; r < m; ++r) rows.push_back(a.data() + r * stride + 1);
  std::array<const T*, kPanelWidth> outputs;
  for (int j = 0; j < kPanelWidth; ++j) outputs[static_cast<size_t>(j)] = w.data() + j * stride;
  outputs[5] = nullptr;
  std::vector<T> storage(static_cast<size_t>((k + 1) * kPanelWidth + 64));
  T* panel = align64(storage);
  pack(outputs.data(), k, panel);
  std::vector<float> c(static_cast<size_t>(m * kPanelWidth), kNaN);
  product(rows.data(), m, panel, k, nullptr, c.data());
  for (int r = 0; r < m; ++r) {
    std::vector<float> alone(kPanelWidth);
    product(rows.data() + r, 1, panel, k, panel, alone.data());
    for (int j = 0; j < kPanelWidth; ++j) {
      double sum = 0;
      double magnitude = 0;
      for (int64_t i = 0; i < k && j != 5; ++i) {
        const double term = static_cast<double>(widen(rows[static_cast<size_t>(r)][i])) *
                            widen(outputs[static_cast<size_t>(j)][i]);
        sum += term;
        magnitude += std::abs(term);
      }
      const float got = c[static_cast<size_t>(r * kPanelWidth + j)];
      ASSERT_NEAR(got, sum, static_cast<double>(k) * kEps * magnitude + 1e-30)
          << "row " << r << " output " << j << " m " << m << " k " << k;
      ASSERT_EQ(got, alone[static_cast<size_t>(j)]) << "other bits alone: row " << r << " of " << m;
    }
  }
}

TEST_P(KernelsTest, PanelF32EqualsTheSumAndHasTheSameBitsForAnyM) {
  for (int64_t k : {1, 2, 5, 16, 66, 192}) {
    const auto a = floats((k + 3) * 130 + 1);
    const auto w = floats((k + 3) * kPanelWidth);
    for (int m : {1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 16, 64, 128}) {
      check_panel(a, w, m, k, this->k().pack_f32, this->k().panel_f32);
    }
  }
}

TEST_P(KernelsTest, PanelBf16EqualsTheSumAndHasTheSameBitsForAnyM) {
  for (int64_t k : {2, 4, 16, 66, 192, 2048}) {
    const auto a = halves((k + 3) * 130 + 1);
    const auto w = halves((k + 3) * kPanelWidth);
    for (int m : {1, 2, 3, 5, 6, 7, 8, 12, 13, 16, 19, 25, 128}) {
      check_panel(a, w, m, k, this->k().pack_bf16, this->k().panel_bf16);
    }
  }
}

// Rows in any order times a strip, against a sum in double; the same bits alone.
template <class T, class Product>
void check_strip(const std::vector<T>& a, const std::vector<T>& strip_storage, int64_t k,
                 Product product) {
  constexpr int64_t kTurn = 8 / sizeof(T);
  const int64_t stride = k + 3;
  std::vector<T> storage(strip_storage.size() + 64);
  T* strip = align64(storage);
  std::copy(strip_storage.begin(), strip_storage.end(), strip);
  for (int m : {0, 1, 2, 3, 4, 5, 6, 7, 11, 13, 40}) {
    std::vector<int32_t> rows;
    for (int r = 0; r < m; ++r) rows.push_back((r * 7 + 3) % 41);
    std::vector<float> c(static_cast<size_t>(m * kStripWidth + 1), 5.0F);
    product(a.data() + 1, stride, rows.data(), m, strip, k, c.data());
    EXPECT_EQ(c.back(), 5.0F);
    for (size_t r = 0; r < rows.size(); ++r) {
      std::array<float, kStripWidth> alone;
      product(a.data() + 1, stride, &rows[r], 1, strip, k, alone.data());
      for (int j = 0; j < kStripWidth; ++j) {
        double sum = 0;
        double magnitude = 0;
        for (int64_t i = 0; i < k; ++i) {
          const double term =
              static_cast<double>(widen(a[static_cast<size_t>(1 + rows[r] * stride + i)])) *
              widen(strip[i / kTurn * kTurn * kStripWidth + j * kTurn + i % kTurn]);
          sum += term;
          magnitude += std::abs(term);
        }
        const float got = c[r * kStripWidth + static_cast<size_t>(j)];
        ASSERT_NEAR(got, sum, static_cast<double>(k) * kEps * magnitude + 1e-30)
            << "row " << r << " output " << j << " m " << m << " k " << k;
        ASSERT_EQ(got, alone[static_cast<size_t>(j)]) << "other bits alone: " << r << " of " << m;
      }
    }
  }
}

TEST_P(KernelsTest, StripEqualsTheSumAndHasTheSameBitsForAnyM) {
  for (int64_t k : {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 18, 33, 66, 192, 2048}) {
    check_strip(floats((k + 3) * 42), floats((k + 3) / 4 * 4 * kStripWidth), k,
                this->k().strip_f32);
    check_strip(halves((k + 3) * 42), halves((k + 3) / 4 * 4 * kStripWidth), k,
                this->k().strip_bf16);
  }
}

// Rows of c in any order, the others untouched; the same bits alone.
template <class T, class Pack, class Product>
void check_panel_add(const std::vector<T>& a, const std::vector<T>& w, const std::vector<float>& c,
                     int64_t k, Pack pack, Product product) {
  std::array<const T*, kPanelWidth> outputs;
  for (size_t j = 0; j < kPanelWidth; ++j) outputs[j] = w.data() + static_cast<int64_t>(j) * k;
  std::vector<T> storage(static_cast<size_t>(k * kPanelWidth + 64));
  T* panel = align64(storage);
  pack(outputs.data(), k, panel);
  for (int m : {0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 13, 40}) {
    std::vector<int32_t> rows;
    for (int r = 0; r < m; ++r) rows.push_back((r * 7 + 3) % 41);
    std::vector<float> got(c);
    product(a.data(), rows.data(), m, panel, k, got.data());
    std::vector<float> expected(c);
    for (size_t r = 0; r < rows.size(); ++r) {
      product(a.data() + static_cast<int64_t>(r) * k, &rows[r], 1, panel, k, expected.data());
      for (size_t j = 0; j < kPanelWidth; ++j) {
        const size_t at = static_cast<size_t>(rows[r]) * kPanelWidth + j;
        double sum = c[at];
        double magnitude = std::abs(sum);
        for (int64_t i = 0; i < k; ++i) {
          const double term =
              static_cast<double>(widen(a[r * static_cast<size_t>(k) + static_cast<size_t>(i)])) *
              widen(outputs[j][i]);
          sum += term;
          magnitude += std::abs(term);
        }
        ASSERT_NEAR(got[at], sum, static_cast<double>(k + 1) * kEps * magnitude)
            << "row " << r << " output " << j << " m " << m << " k " << k;
      }
    }
    ASSERT_EQ(got, expected) << "other bits alone, or another row touched: m " << m << " k " << k;
  }
}

TEST_P(KernelsTest, PanelAddEqualsTheSumAndHasTheSameBitsForAnyM) {
  for (int64_t k : {2, 6, 10, 18, 26, 66}) {
    const auto c = floats(41 * kPanelWidth);
    check_panel_add(floats(40 * k), floats(k * kPanelWidth), c, k, this->k().pack_f32,
                    this->k().panel_add_f32);
    check_panel_add(halves(40 * k), halves(k * kPanelWidth), c, k, this->k().pack_bf16,
                    this->k().panel_add_bf16);
  }
}

TEST_P(KernelsTest, PackingEqualsTheSpecificationForOddDepthsToo) {
  for (int64_t k : kSizes) {
    const auto w = floats(k * kPanelWidth);
    const auto h = halves(k * kPanelWidth);
    std::array<const float*, kPanelWidth> rows;
    std::array<const bf16_t*, kPanelWidth> half_rows;
    for (size_t j = 0; j < kPanelWidth; ++j) {
      rows[j] = j % 7 == 3 ? nullptr : w.data() + static_cast<int64_t>(j) * k;
      half_rows[j] = j % 7 == 4 ? nullptr : h.data() + static_cast<int64_t>(j) * k;
    }
    std::vector<float> expected(static_cast<size_t>(k * kPanelWidth));
    std::vector<float> got(expected.size(), kNaN);
    spec().pack_f32(rows.data(), k, expected.data());
    this->k().pack_f32(rows.data(), k, got.data());
    EXPECT_EQ(got, expected) << k;
    std::vector<bf16_t> expected_halves(static_cast<size_t>((k + 1) / 2 * 2 * kPanelWidth));
    std::vector<bf16_t> got_halves(expected_halves.size(), 0x7fc0);
    spec().pack_bf16(half_rows.data(), k, expected_halves.data());
    this->k().pack_bf16(half_rows.data(), k, got_halves.data());
    EXPECT_EQ(got_halves, expected_halves) << k;
  }
}

TEST_P(KernelsTest, ConversionsEqualTheSpecificationBitForBit) {
  std::vector<float> values = floats(5000, 10.0F);
  for (float special :
       {0.0F, -0.0F, kInf, -kInf, 1e-45F, -1e-40F, 3.4e38F, 65504.0F, 1.00390625F}) {
    values.push_back(special);
  }
  const int64_t n = static_cast<int64_t>(values.size());
  std::vector<bf16_t> expected(values.size());
  std::vector<bf16_t> got(values.size());
  spec().f32_to_bf16(values.data(), n, expected.data());
  k().f32_to_bf16(values.data(), n, got.data());
  EXPECT_EQ(got, expected);
  bf16_t nan = 0;
  k().f32_to_bf16(&kNaN, 1, &nan);
  EXPECT_TRUE(std::isnan(bf16_to_f32(nan)));
  std::vector<uint16_t> all(65536);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
  std::vector<float> wide(all.size());
  std::vector<float> wide_expected(all.size());
  for (auto convert : {&KernelTable::bf16_to_f32, &KernelTable::f16_to_f32}) {
    (spec().*convert)(all.data(), 65536, wide_expected.data());
    (k().*convert)(all.data(), 65536, wide.data());
    for (size_t i = 0; i < all.size(); ++i) {
      if (std::isnan(wide_expected[i])) {
        EXPECT_TRUE(std::isnan(wide[i])) << i;
      } else {
        EXPECT_EQ(wide[i], wide_expected[i]) << i;
      }
    }
  }
}

TEST_P(KernelsTest, ExpIsWithinTwoUlpWhereverTheElementStands) {
  std::vector<float> x;
  for (float v = -110.0F; v < 88.7F; v += 0.0137F) x.push_back(v);
  x.insert(x.end(), {-kInf, -1e30F, 0.0F, -87.4F, -103.9F, 88.72F});
  std::vector<float> out(x.size());
  k().exp_sum(x.data(), 0.0F, static_cast<int64_t>(x.size()), out.data());
  for (size_t i = 0; i < x.size(); ++i) {
    const double exact = std::exp(static_cast<double>(x[i]));
    const double ulp = std::max(std::abs(exact) * kEps, 1.5e-45);
    EXPECT_NEAR(out[i], exact, 2 * ulp) << x[i];
    float alone = 0;
    k().exp_sum(&x[i], 0.0F, 1, &alone);
    EXPECT_EQ(alone, out[i]) << x[i];
  }
  float nan = 0;
  EXPECT_TRUE(std::isnan(k().exp_sum(&kNaN, 0.0F, 1, &nan)));
  EXPECT_TRUE(std::isnan(nan));
}

TEST_P(KernelsTest, SumsAndNormsOfAnySize) {
  for (int64_t n : kSizes) {
    const auto x = floats(n);
    const auto y = floats(n);
    double dot = 0;
    double magnitude = 0;
    double square = 0;
    for (int64_t i = 0; i < n; ++i) {
      const size_t s = static_cast<size_t>(i);
      dot += static_cast<double>(x[s]) * y[s];
      magnitude += std::abs(static_cast<double>(x[s]) * y[s]);
      square += static_cast<double>(x[s]) * x[s];
    }
    EXPECT_NEAR(k().dot(x.data(), y.data(), n), dot, static_cast<double>(n) * kEps * magnitude);
    EXPECT_EQ(k().max(x.data(), n), *std::max_element(x.begin(), x.end()));
    std::vector<float> out(x);
    EXPECT_EQ(k().rms_norm(x.data(), y.data(), 1e-5F, n, out.data()),
              k().dot(x.data(), x.data(), n));
    const double factor = 1.0 / std::sqrt(square / static_cast<double>(n) + 1e-5);
    for (size_t i = 0; i < x.size(); ++i) {
      EXPECT_NEAR(out[i], x[i] * factor * y[i],
                  (static_cast<double>(n) + 4) * kEps * std::abs(x[i] * factor * y[i]));
    }
    std::vector<float> e(x);
    const float sum = k().exp_sum(x.data(), 1.0F, n, e.data());
    double expected = 0;
    for (float value : x) expected += std::exp(static_cast<double>(value) - 1.0);
    EXPECT_NEAR(sum, expected, (static_cast<double>(n) + 4) * kEps * expected);
  }
}

TEST_P(KernelsTest, ElementwiseKernelsTouchTheirRangeOnly) {
  for (int64_t n : kSizes) {
    const auto x = floats(n + 1);
    std::vector<float> added(x);
    std::vector<float> scaled(x);
    k().add(x.data(), n, added.data());
    k().scale(3.0F, n, scaled.data());
    for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
      EXPECT_EQ(added[i], 2 * x[i]);
      EXPECT_EQ(scaled[i], 3 * x[i]);
    }
    EXPECT_EQ(added.back(), x.back());
    EXPECT_EQ(scaled.back(), x.back());
    const auto angle = floats(n);
    std::vector<float> cos;
    std::vector<float> sin;
    for (float a : angle) {
      cos.push_back(std::cos(a));
      sin.push_back(std::sin(a));
    }
    auto head = floats(2 * n);
    auto expected = head;
    k().rope(cos.data(), sin.data(), n, head.data());
    spec().rope(cos.data(), sin.data(), n, expected.data());
    for (size_t i = 0; i < head.size(); ++i) EXPECT_NEAR(head[i], expected[i], 1e-6F * 8);
  }
}

TEST_P(KernelsTest, EpiloguesEqualTheSpecificationAndKeepToTheirColumns) {
  const int m = 5;
  const auto c = floats(m * kPanelWidth, 3.0F);
  const auto weights = floats(m);
  for (int n : {1, 7, 8, 15, 16, 17, 31, 32}) {
    std::vector<float> got(m * 40, 1.0F);
    std::vector<float> expected(got);
    std::vector<bf16_t> got_halves(m * 40, 7);
    std::vector<bf16_t> expected_halves(got_halves);
    std::array<float*, m> got_rows;
    std::array<float*, m> expected_rows;
    std::array<bf16_t*, m> got_half_rows;
    std::array<bf16_t*, m> expected_half_rows;
    for (size_t r = 0; r < m; ++r) {
      got_rows[r] = got.data() + r * 40;
      expected_rows[r] = expected.data() + r * 40;
      got_half_rows[r] = got_halves.data() + r * 40;
      expected_half_rows[r] = expected_halves.data() + r * 40;
    }
    k().store(c.data(), m, n, got_rows.data());
    spec().store(c.data(), m, n, expected_rows.data());
    EXPECT_EQ(got, expected);
    k().accumulate(c.data(), m, n, weights.data(), got_rows.data());
    spec().accumulate(c.data(), m, n, weights.data(), expected_rows.data());
    for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 40 * kEps);
    k().silu_mul_f32(c.data(), m, n, got_rows.data());
    spec().silu_mul_f32(c.data(), m, n, expected_rows.data());
    for (size_t i = 0; i < got.size(); ++i) {
      EXPECT_NEAR(got[i], expected[i], 8 * kEps * (1 + std::abs(expected[i])));
    }
    k().silu_mul_bf16(c.data(), m, n, got_half_rows.data());
    spec().silu_mul_bf16(c.data(), m, n, expected_half_rows.data());
    for (size_t i = 0; i < got.size(); ++i) {
      const float wide = bf16_to_f32(expected_halves[i]);
      EXPECT_NEAR(bf16_to_f32(got_halves[i]), wide, std::abs(wide) / 128) << i << " n " << n;
    }
  }
}

TEST_P(KernelsTest, AllFiniteSeesEveryPosition) {
  for (int64_t n : kSizes) {
    auto x = floats(n);
    x.push_back(kNaN);  // outside
    EXPECT_TRUE(k().all_finite(x.data(), n));
    for (size_t i = 0; i < static_cast<size_t>(n); i += 1 + i / 3) {
      for (float bad : {kNaN, kInf, -kInf}) {
        const float kept = std::exchange(x[i], bad);
        EXPECT_FALSE(k().all_finite(x.data(), n)) << i << " of " << n;
        x[i] = kept;
      }
    }
  }
}

// What keep found, by the specification and by this level, with a stop behind it.
TEST_P(KernelsTest, KeepEqualsTheSpecificationBitForBitAndKeepsToItsRoom) {
  const KernelTable& exact = kernels_by_name("scalar");
  for (int64_t n : kSizes) {
    if (n == 0) continue;
    const auto x = floats(n), mean = floats(n), inverse = floats(n);
    for (float limit : {-kInf, -1.0F, 0.5F, 2.0F, kInf}) {
      const auto found = [&](const KernelTable& level) {
        std::vector<int32_t> keys(static_cast<size_t>(n) + 1, -7);
        std::vector<float> kept(keys.size(), -7.0F);
        const int64_t count =
            level.keep(x.data(), mean.data(), inverse.data(), limit, n, keys.data(), kept.data());
        EXPECT_EQ(keys.back(), -7);
        EXPECT_EQ(kept.back(), -7.0F);
        keys.resize(static_cast<size_t>(count));
        kept.resize(keys.size());
        return std::pair(keys, kept);
      };
      const auto expected = found(exact);
      EXPECT_EQ(found(k()), expected) << "n " << n << ", limit " << limit;
      EXPECT_EQ(expected.first.size(), limit == -kInf  ? static_cast<size_t>(n)
                                       : limit == kInf ? 1U
                                                       : expected.first.size());
    }
  }
}

TEST_P(KernelsTest, KeepKeepsAllOfTheGreatestWhenNoneReaches) {
  std::vector<float> x(37, 1.0F);
  x[3] = x[36] = 2.0F;
  const std::vector<float> mean(37, 0.0F), inverse(37, 1.0F);
  std::vector<int32_t> keys(37);
  std::vector<float> kept(37);
  ASSERT_EQ(k().keep(x.data(), mean.data(), inverse.data(), 5.0F, 37, keys.data(), kept.data()), 2);
  EXPECT_EQ(keys[0], 3);
  EXPECT_EQ(keys[1], 36);
  EXPECT_EQ(kept[1], 2.0F);
}

INSTANTIATE_TEST_SUITE_P(Levels, KernelsTest, testing::ValuesIn(available_kernels()),
                         [](const auto& info) { return std::string(info.param->name); });

TEST(KernelLevelsTest, UnknownLevelIsRefusedWithThoseThatThereAre) {
  try {
    kernels_by_name("mmx");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_NE(std::string(error.what()).find("scalar"), std::string::npos);
  }
}

}  // namespace
}  // namespace expertoire
