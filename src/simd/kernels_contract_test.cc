// What kernels.h promises beyond values: bits that depend on nothing but the numbers, untouched
// neighbours, empty inputs. (Values: kernels_test.cc.)
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "base/checked.h"
#include "base/half.h"
#include "simd/kernels.h"

namespace expertoire {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Panel {
  explicit Panel(int64_t elements) : storage(static_cast<size_t>(elements) + 64) {}
  float* data() {
    return reinterpret_cast<float*>((reinterpret_cast<uintptr_t>(storage.data()) + 63) / 64 * 64);
  }
  std::vector<float> storage;
};

class KernelContractTest : public testing::TestWithParam<const KernelTable*> {
 protected:
  const KernelTable& k() const { return *GetParam(); }
  std::vector<float> floats(int64_t n) {
    std::normal_distribution<float> normal;
    std::vector<float> values(static_cast<size_t>(n));
    for (float& value : values) value = normal(random_);
    return values;
  }
  std::mt19937 random_{5};
};

// The same numbers at every offset from alignment give the same bits.
TEST_P(KernelContractTest, AlignmentDoesNotChangeBits) {
  for (int64_t n : {5, 16, 31, 64, 200}) {
    const auto x = floats(n);
    const auto w = floats(n);
    const auto results = [&](size_t offset) {
      std::vector<float> a(x.size() + 32);
      std::vector<float> b(a);
      std::vector<float> out(a);
      std::copy(x.begin(), x.end(), a.begin() + static_cast<std::ptrdiff_t>(offset));
      std::copy(w.begin(), w.end(), b.begin() + static_cast<std::ptrdiff_t>(offset + 3));
      std::vector<float> got = {k().dot(a.data() + offset, b.data() + offset + 3, n),
                                k().max(a.data() + offset, n),
                                k().exp_sum(a.data() + offset, 1.0F, n, out.data() + offset + 1)};
      got.insert(got.end(), out.begin() + static_cast<std::ptrdiff_t>(offset + 1),
                 out.begin() + static_cast<std::ptrdiff_t>(offset + 1 + x.size()));
      k().rms_norm(a.data() + offset, b.data() + offset + 3, 1e-5F, n, out.data() + offset);
      got.insert(got.end(), out.begin() + static_cast<std::ptrdiff_t>(offset),
                 out.begin() + static_cast<std::ptrdiff_t>(offset + x.size()));
      return got;
    };
    const auto expected = results(0);
    for (size_t offset = 1; offset < 16; ++offset) EXPECT_EQ(results(offset), expected) << offset;
  }
}

TEST_P(KernelContractTest, NextPanelChangesNothing) {
  const int64_t depth = 130;
  Panel panel(depth * kPanelWidth);
  Panel next(depth * kPanelWidth);
  const auto a = floats(128 * depth);
  std::vector<bf16_t> half(a.size());
  k().f32_to_bf16(a.data(), static_cast<int64_t>(a.size()), half.data());
  std::array<const float*, 128> rows;
  std::array<const bf16_t*, 128> half_rows;
  for (size_t r = 0; r < 128; ++r) {
    rows[r] = a.data() + r * depth;
    half_rows[r] = half.data() + r * depth;
  }
  std::array<const float*, kPanelWidth> outputs;
  std::array<const bf16_t*, kPanelWidth> half_outputs;
  for (size_t j = 0; j < kPanelWidth; ++j) {
    outputs[j] = rows[(j * 5 + 1) % 128];
    half_outputs[j] = half_rows[(j * 5 + 1) % 128];
  }
  for (int m : {1, 5, 6, 7, 12, 13, 18, 24, 25, 64, 128}) {
    std::vector<float> with(static_cast<size_t>(m * kPanelWidth), kNaN);
    std::vector<float> without(with);
    k().pack_f32(outputs.data(), depth, panel.data());
    k().panel_f32(rows.data(), m, panel.data(), depth, next.data(), with.data());
    k().panel_f32(rows.data(), m, panel.data(), depth, nullptr, without.data());
    EXPECT_EQ(with, without) << m;
    auto* half_panel = reinterpret_cast<bf16_t*>(panel.data());
    auto* half_next = reinterpret_cast<bf16_t*>(next.data());
    k().pack_bf16(half_outputs.data(), depth, half_panel);
    k().panel_bf16(half_rows.data(), m, half_panel, depth, half_next, with.data());
    k().panel_bf16(half_rows.data(), m, half_panel, depth, nullptr, without.data());
    EXPECT_EQ(with, without) << m;
  }
}

// A product of more zeros at the end is the same: attention lets rows see padding.
TEST_P(KernelContractTest, ZerosAtTheEndOfTheDepthChangeNoBits) {
  Panel panel(64 * kPanelWidth);
  const auto values = floats(64 * kPanelWidth);
  std::copy(values.begin(), values.end(), panel.data());
  std::vector<float> a = floats(64);
  for (int64_t depth : {1, 2, 17, 40}) {
    std::fill(a.begin() + depth, a.end(), 0.0F);
    const float* row = a.data();
    std::vector<float> expected(kPanelWidth);
    k().panel_f32(&row, 1, panel.data(), depth, nullptr, expected.data());
    for (int64_t longer : {depth + 1, int64_t{64}}) {
      std::vector<float> got(kPanelWidth);
      k().panel_f32(&row, 1, panel.data(), longer, nullptr, got.data());
      EXPECT_EQ(got, expected) << depth << " " << longer;
    }
    a = floats(64);
  }
}

TEST_P(KernelContractTest, Bf16ProductOfSmallWholeNumbersIsExact) {
  const int64_t depth = 66;
  Panel panel(depth * kPanelWidth);
  std::vector<bf16_t> w(static_cast<size_t>(depth * kPanelWidth));
  std::vector<bf16_t> a(static_cast<size_t>(depth * 9));
  for (auto* values : {&w, &a}) {
    for (bf16_t& value : *values) {
      value = f32_to_bf16(static_cast<float>(static_cast<int>(random_() % 33) - 16));
    }
  }
  std::array<const bf16_t*, kPanelWidth> outputs;
  for (size_t j = 0; j < kPanelWidth; ++j) outputs[j] = w.data() + j * depth;
  auto* packed = reinterpret_cast<bf16_t*>(panel.data());
  k().pack_bf16(outputs.data(), depth, packed);
  std::array<const bf16_t*, 9> rows;
  for (size_t r = 0; r < 9; ++r) rows[r] = a.data() + r * depth;
  std::vector<float> c(9 * kPanelWidth);
  k().panel_bf16(rows.data(), 9, packed, depth, nullptr, c.data());
  for (size_t r = 0; r < 9; ++r) {
    for (size_t j = 0; j < kPanelWidth; ++j) {
      float sum = 0;
      for (int64_t i = 0; i < depth; ++i)
        sum += bf16_to_f32(rows[r][i]) * bf16_to_f32(outputs[j][i]);
      ASSERT_EQ(c[r * kPanelWidth + j], sum) << r << " " << j;
    }
  }
}

// A row may end where memory ends, and what follows it is no part of the sum.
TEST_P(KernelContractTest, StripReadsNoMoreThanKValuesOfARow) {
  for (int64_t depth : {1, 2, 3, 5, 7, 18, 31}) {
    Panel strip(round_up(depth, 4) * kStripWidth);
    std::fill(strip.storage.begin(), strip.storage.end(), 1.0F);
    std::vector<float> row(static_cast<size_t>(depth) + 16, kNaN);
    std::fill_n(row.begin(), depth, 1.0F);
    std::vector<bf16_t> half(row.size());
    k().f32_to_bf16(row.data(), static_cast<int64_t>(row.size()), half.data());
    const int32_t first = 0;
    std::vector<float> c(kStripWidth);
    // The padding of a strip is zeros.
    for (int64_t i = depth; i < round_up(depth, 2); ++i) {
      for (int64_t j = 0; j < kStripWidth; ++j) strip.data()[i / 2 * 16 + j * 2 + i % 2] = 0.0F;
    }
    k().strip_f32(row.data(), 0, &first, 1, strip.data(), depth, c.data());
    EXPECT_EQ(c, std::vector<float>(kStripWidth, static_cast<float>(depth)));
    auto* halves = reinterpret_cast<bf16_t*>(strip.data());
    for (int64_t i = 0; i < round_up(depth, 4); ++i) {
      for (int64_t j = 0; j < kStripWidth; ++j) {
        halves[i / 4 * 32 + j * 4 + i % 4] = i < depth ? f32_to_bf16(1.0F) : bf16_t{0};
      }
    }
    k().strip_bf16(half.data(), 0, &first, 1, halves, depth, c.data());
    EXPECT_EQ(c, std::vector<float>(kStripWidth, static_cast<float>(depth)));
  }
}

TEST_P(KernelContractTest, EpiloguesOfEveryWidthKeepToTheirColumns) {
  const auto c = floats(3 * kPanelWidth);
  for (int n = 0; n <= kPanelWidth; ++n) {
    std::vector<float> stored(3 * 70, 5.0F);
    std::vector<float> added(stored);
    std::array<float*, 3> stored_rows;
    std::array<float*, 3> added_rows;
    for (size_t r = 0; r < 3; ++r) {
      stored_rows[r] = stored.data() + r * 70;
      added_rows[r] = added.data() + r * 70;
    }
    k().store(c.data(), 3, n, stored_rows.data());
    k().accumulate(c.data(), 3, n, nullptr, added_rows.data());
    for (int r = 0; r < 3; ++r) {
      for (int j = 0; j < 70; ++j) {
        const float value = c[static_cast<size_t>(r * kPanelWidth + std::min(j, 63))];
        ASSERT_EQ(stored_rows[static_cast<size_t>(r)][j], j < n ? value : 5.0F) << n << " " << j;
        ASSERT_EQ(added_rows[static_cast<size_t>(r)][j], j < n ? 5.0F + value : 5.0F) << n;
      }
    }
  }
}

TEST_P(KernelContractTest, NothingIsTouchedWhenThereIsNothing) {
  float value = 3.0F;
  bf16_t half = 7;
  k().add(&value, 0, &value);
  k().scale(0.0F, 0, &value);
  k().rope(&value, &value, 0, &value);
  k().f32_to_bf16(&value, 0, &half);
  k().store(&value, 0, 64, nullptr);
  k().accumulate(&value, 0, 64, nullptr, nullptr);
  EXPECT_EQ(value, 3.0F);
  EXPECT_EQ(half, 7);
  EXPECT_EQ(k().dot(&value, &value, 0), 0.0F);
  EXPECT_EQ(k().exp_sum(&value, 0.0F, 0, &value), 0.0F);
  EXPECT_TRUE(k().all_finite(&value, 0));
  EXPECT_EQ(k().keep(&value, &value, &value, 0.0F, 0, nullptr, &value), 0);
  Panel panel(kPanelWidth);
  const float* row = &value;
  std::vector<float> c(kPanelWidth, kNaN);
  k().panel_f32(&row, 1, panel.data(), 0, nullptr, c.data());
  EXPECT_EQ(c, std::vector<float>(kPanelWidth, 0.0F)) << "an empty sum";
  const int32_t first = 0;
  std::vector<float> strip(kStripWidth, kNaN);
  k().strip_f32(&value, 1, &first, 1, panel.data(), 0, strip.data());
  EXPECT_EQ(strip, std::vector<float>(kStripWidth, 0.0F)) << "an empty sum";
  k().panel_add_f32(&value, &first, 1, panel.data(), 0, c.data());
  EXPECT_EQ(c, std::vector<float>(kPanelWidth, 0.0F)) << "nothing to add";
}

TEST_P(KernelContractTest, MaxOfNegativeInfinitiesAndTails) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (int64_t n = 1; n < 40; ++n) {
    std::vector<float> x(static_cast<size_t>(n) + 1, -infinity);
    x.back() = 9.0F;  // outside
    EXPECT_EQ(k().max(x.data(), n), -infinity);
    for (size_t at = 0; at < static_cast<size_t>(n); ++at) {
      x[at] = -1e30F;
      EXPECT_EQ(k().max(x.data(), n), -1e30F) << at << " of " << n;
      x[at] = -infinity;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, KernelContractTest, testing::ValuesIn(available_kernels()),
                         [](const auto& info) { return std::string(info.param->name); });

TEST(KernelListTest, LevelsThatRunAreAmongThoseCompiledInAndScalarIsFirst) {
  const auto levels = kernel_levels();
  ASSERT_FALSE(levels.empty());
  EXPECT_EQ(levels[0].name, "scalar");
  std::vector<std::string_view> available;
  for (const KernelLevel& level : levels) {
    EXPECT_FALSE(level.needs.empty());
    if (level.available) available.push_back(level.name);
  }
  std::vector<std::string_view> running;
  for (const KernelTable* table : available_kernels()) {
    running.push_back(table->name);
    EXPECT_EQ(&kernels_by_name(table->name), table);
  }
  EXPECT_EQ(running, available);
}

TEST(KernelListTest, EveryKernelOfEveryLevelIsThere) {
  for (const KernelTable* table : available_kernels()) {
    // All members after name and native_bf16 are pointers.
    std::vector<const void*> words(sizeof *table / sizeof(void*));
    std::memcpy(words.data(), table, sizeof *table);
    const size_t first = offsetof(KernelTable, panel_f32) / sizeof(void*);
    for (size_t i = first; i < words.size(); ++i) EXPECT_NE(words[i], nullptr) << table->name << i;
  }
}

}  // namespace
}  // namespace expertoire
