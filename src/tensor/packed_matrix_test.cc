// Packing: every weight where the panel layout says, whatever the storage type.
#include "tensor/packed_matrix.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <random>

#include "support/errors.h"

namespace expertoire {
namespace {

// A tensor with its own storage; values are small whole numbers, exact in every type.
struct Tensor {
  Tensor(DType dtype, int64_t rows, int64_t columns, uint32_t seed = 1)
      : bytes(static_cast<size_t>(rows * columns) * dtype_size(dtype)) {
    std::mt19937 random(seed);
    for (int64_t i = 0; i < rows * columns; ++i) {
      values.push_back(static_cast<float>(static_cast<int>(random() % 201) - 100));
      set(dtype, i, values.back());
    }
    view = {dtype, {rows, columns}, bytes.data(), bytes.size()};
  }
  void set(DType dtype, int64_t i, float value) {
    uint32_t wide;
    std::memcpy(&wide, &value, 4);
    uint16_t half = f32_to_bf16(value);
    if (dtype == DType::kF16) {
      half = static_cast<uint16_t>((wide >> 16 & 0x8000) | (wide >> 13 & 0x3ff) |
                                   (value == 0 ? 0 : ((wide >> 23 & 0xff) - 112) << 10));
    }
    const void* source = dtype == DType::kF32 ? static_cast<const void*>(&value) : &half;
    std::memcpy(bytes.data() + static_cast<size_t>(i) * dtype_size(dtype), source,
                dtype_size(dtype));
  }
  float at(int64_t row, int64_t column) const {
    return values[static_cast<size_t>(row * view.shape[1] + column)];
  }

  std::vector<std::byte> bytes;
  std::vector<float> values;
  TensorView view;
};

// Weight of (output, input), padding included.
float element(const PackedMatrix& matrix, int64_t output, int64_t input) {
  const std::byte* panel = matrix.panel(output / kPanelWidth);
  const int64_t j = output % kPanelWidth;
  if (matrix.compute == Compute::kF32) {
    float value;
    std::memcpy(&value, panel + 4 * (input * kPanelWidth + j), 4);
    return value;
  }
  uint16_t half;
  std::memcpy(&half, panel + 2 * ((input / 2 * kPanelWidth + j) * 2 + input % 2), 2);
  return bf16_to_f32(half);
}

class PackedMatrixTest : public testing::TestWithParam<std::tuple<DType, Compute>> {
 protected:
  DType dtype() const { return std::get<0>(GetParam()); }
  Compute compute() const { return std::get<1>(GetParam()); }
};

TEST_P(PackedMatrixTest, EveryWeightHasItsPlaceAndPaddingIsZero) {
  for (const KernelTable* kernels : available_kernels()) {
    Executor executor(2, *kernels);
    for (const auto& [outputs, inputs] :
         {std::pair<int64_t, int64_t>{1, 1}, {64, 16}, {65, 17}, {130, 33}, {7, 100}}) {
      const Tensor tensor(dtype(), outputs, inputs);
      const PackedMatrix matrix =
          pack_matrix(executor, compute(), all_rows(tensor.view), inputs, "w");
      EXPECT_EQ(matrix.outputs, outputs);
      EXPECT_EQ(matrix.depth(), compute() == Compute::kF32 ? inputs : inputs + inputs % 2);
      for (int64_t o = 0; o < matrix.panels() * kPanelWidth; ++o) {
        for (int64_t i = 0; i < matrix.depth(); ++i) {
          const float expected = o < outputs && i < inputs ? tensor.at(o, i) : 0.0F;
          ASSERT_EQ(element(matrix, o, i), expected) << kernels->name << " " << o << " " << i;
        }
      }
    }
  }
}

TEST_P(PackedMatrixTest, RowsMayComeFromSeveralTensorsOrNowhere) {
  Executor executor(1);
  const Tensor first(dtype(), 3, 10, 1);
  const Tensor second(dtype(), 3, 10, 2);
  const PackedMatrix matrix = pack_matrix(
      executor, compute(), {{&second.view, 2}, {}, {&first.view, 0}, {&first.view, 0}}, 10, "w");
  for (int64_t i = 0; i < 10; ++i) {
    EXPECT_EQ(element(matrix, 0, i), second.at(2, i));
    EXPECT_EQ(element(matrix, 1, i), 0.0F);
    EXPECT_EQ(element(matrix, 2, i), first.at(0, i));
    EXPECT_EQ(element(matrix, 3, i), first.at(0, i));
  }
}

TEST_P(PackedMatrixTest, GateAndUpStandInTurnsOf32) {
  Executor executor(2);
  for (int64_t width : {1, 31, 32, 33, 70}) {
    const Tensor gate(dtype(), width, 9, 3);
    const Tensor up(dtype(), width, 9, 4);
    const PackedMatrix matrix =
        pack_matrix(executor, compute(), interleave_gate_up(gate.view, up.view), 9, "w");
    for (int64_t n = 0; n < width; ++n) {
      const int64_t at = n / 32 * 64 + n % 32;
      for (int64_t i = 0; i < 9; ++i) {
        ASSERT_EQ(element(matrix, at, i), gate.at(n, i)) << width << " " << n;
        ASSERT_EQ(element(matrix, at + 32, i), up.at(n, i)) << width << " " << n;
      }
    }
  }
}

TEST_P(PackedMatrixTest, ValueThatIsNotFiniteIsReportedByName) {
  Executor executor(3);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {nan, infinity, -infinity}) {
    for (int64_t at : {0, 57, 129 * 20 + 19}) {
      Tensor tensor(dtype(), 130, 20);
      tensor.set(DType::kF32, 0, 0.0F);
      if (dtype() == DType::kF32) {
        tensor.set(dtype(), at, bad);
      } else {
        const uint16_t bits = dtype() == DType::kBF16
                                  ? f32_to_bf16(bad)
                                  : static_cast<uint16_t>(bad != bad ? 0x7e00 : 0x7c00);
        std::memcpy(tensor.bytes.data() + 2 * at, &bits, 2);
      }
      const auto error = test::error_of(
          [&] { pack_matrix(executor, compute(), all_rows(tensor.view), 20, "layer 5 weights"); });
      ASSERT_TRUE(error) << bad << " at " << at;
      EXPECT_EQ(error->code(), ErrorCode::kNumeric);
      EXPECT_NE(std::string(error->what()).find("layer 5 weights"), std::string::npos);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, PackedMatrixTest,
                         testing::Combine(testing::Values(DType::kF32, DType::kBF16, DType::kF16),
                                          testing::Values(Compute::kF32, Compute::kBF16)),
                         [](const auto& info) {
                           return std::string(dtype_name(std::get<0>(info.param))) + "_" +
                                  std::string(compute_name(std::get<1>(info.param)));
                         });

TEST(InterleaveTest, BiasesStandAsTheirOutputs) {
  std::vector<float> gate(40);
  std::vector<float> up(40);
  for (size_t i = 0; i < 40; ++i) {
    gate[i] = static_cast<float>(i + 1);
    up[i] = static_cast<float>(1000 + i);
  }
  const std::vector<float> both = interleave_halves(gate, up);
  ASSERT_EQ(both.size(), 128U);
  EXPECT_EQ(both[0], 1.0F);
  EXPECT_EQ(both[31], 32.0F);
  EXPECT_EQ(both[32], 1000.0F);
  EXPECT_EQ(both[64], 33.0F);
  EXPECT_EQ(both[72], 0.0F) << "padding";
  EXPECT_EQ(both[96], 1032.0F);
}

}  // namespace
}  // namespace expertoire
