// Strips hold what panels hold, and generated panels what packed tensors hold.
#include "tensor/strip_matrix.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <random>

#include "support/errors.h"

namespace expertoire {
namespace {

// Whole numbers, exact in bf16.
std::vector<float> weights(int64_t count) {
  std::mt19937 random(11);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(static_cast<int>(random() % 201) - 100);
  return values;
}

PackedMatrix generate(Executor& executor, Compute compute, int64_t outputs, int64_t inputs,
                      const std::vector<float>& values) {
  const auto source = [&](int64_t first, int64_t count, float* rows) {
    std::copy_n(values.data() + first * inputs, count * inputs, rows);
  };
  return pack_generated(executor, compute, outputs, inputs, source, "test");
}

// strip[k/2][8][2] of f32, strip[k/4][8][4] of bf16.
float element(const StripMatrix& matrix, int64_t output, int64_t input) {
  const int64_t turn = matrix.compute == Compute::kF32 ? 2 : 4;
  const std::byte* strip = matrix.strip(output / kStripWidth);
  const int64_t at = (input / turn * kStripWidth + output % kStripWidth) * turn + input % turn;
  if (matrix.compute == Compute::kF32) {
    float value;
    std::memcpy(&value, strip + 4 * at, 4);
    return value;
  }
  bf16_t half;
  std::memcpy(&half, strip + 2 * at, 2);
  return bf16_to_f32(half);
}

class StripMatrixTest : public testing::TestWithParam<Compute> {};

TEST_P(StripMatrixTest, EveryWeightIsInItsStripAndTheRestIsZero) {
  Executor executor(2);
  for (const auto& [outputs, inputs] : {std::pair{1, 1}, {8, 4}, {70, 33}, {130, 66}}) {
    const auto values = weights(outputs * inputs);
    PackedMatrix packed = generate(executor, GetParam(), outputs, inputs, values);
    packed.bias.assign(static_cast<size_t>(outputs), 0.5F);
    const StripMatrix strips = cut_into_strips(executor, packed);
    ASSERT_EQ(strips.strips(), ceil_div(outputs, kStripWidth));
    const int64_t depth = round_up(inputs, GetParam() == Compute::kF32 ? 2 : 4);
    for (int64_t o = 0; o < strips.strips() * kStripWidth; ++o) {
      for (int64_t i = 0; i < depth; ++i) {
        const bool there = o < outputs && i < inputs;
        ASSERT_EQ(element(strips, o, i), there ? values[static_cast<size_t>(o * inputs + i)] : 0)
            << o << " " << i;
      }
      ASSERT_EQ(strips.bias[static_cast<size_t>(o)], o < outputs ? 0.5F : 0.0F);
    }
  }
}

TEST_P(StripMatrixTest, GeneratedPanelsAreThoseOfATensor) {
  Executor executor(2);
  const int64_t outputs = 150, inputs = 37;
  const auto values = weights(outputs * inputs);
  const TensorView view{DType::kF32,
                        {outputs, inputs},
                        reinterpret_cast<const std::byte*>(values.data()),
                        values.size() * sizeof(float)};
  const PackedMatrix packed = pack_matrix(executor, GetParam(), all_rows(view), inputs, "test");
  const PackedMatrix generated = generate(executor, GetParam(), outputs, inputs, values);
  ASSERT_EQ(generated.data.size(), packed.data.size());
  EXPECT_EQ(std::memcmp(generated.data.data(), packed.data.data(), packed.data.size()), 0);
}

TEST_P(StripMatrixTest, AGeneratedWeightThatIsNoNumberIsRefused) {
  Executor executor(2);
  auto values = weights(70 * 5);
  values[68 * 5 + 2] = std::numeric_limits<float>::infinity();
  const auto error = test::error_of([&] { generate(executor, GetParam(), 70, 5, values); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kNumeric);
}

INSTANTIATE_TEST_SUITE_P(Types, StripMatrixTest, testing::Values(Compute::kF32, Compute::kBF16),
                         [](const auto& info) { return std::string(compute_name(info.param)); });

}  // namespace
}  // namespace expertoire
