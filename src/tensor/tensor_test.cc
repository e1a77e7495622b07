// The small types: element types, views, rows, memory.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "support/errors.h"
#include "tensor/buffer.h"
#include "tensor/dtype.h"
#include "tensor/rows.h"
#include "tensor/tensor_view.h"

namespace expertoire {
namespace {

TEST(DTypeTest, NamesAreThoseOfSafetensorsAndComeBack) {
  const std::vector<std::tuple<DType, const char*, size_t>> all = {
      {DType::kF32, "F32", 4},  {DType::kBF16, "BF16", 2}, {DType::kF16, "F16", 2},
      {DType::kF64, "F64", 8},  {DType::kI64, "I64", 8},   {DType::kI32, "I32", 4},
      {DType::kI16, "I16", 2},  {DType::kI8, "I8", 1},     {DType::kU8, "U8", 1},
      {DType::kBool, "BOOL", 1}};
  for (const auto& [dtype, name, size] : all) {
    EXPECT_EQ(dtype_name(dtype), name);
    EXPECT_EQ(dtype_size(dtype), size);
    EXPECT_EQ(parse_dtype(name), dtype);
  }
  for (const char* name : {"", "f32", "F8_E4M3", "F3", "F322"}) EXPECT_FALSE(parse_dtype(name));
}

TEST(DTypeTest, ComputeTypes) {
  for (const Compute compute : {Compute::kF32, Compute::kBF16}) {
    EXPECT_EQ(parse_compute(compute_name(compute)), compute);
  }
  EXPECT_FALSE(parse_compute("f16"));
  EXPECT_EQ(compute_size(Compute::kF32), 4U);
  EXPECT_EQ(compute_size(Compute::kBF16), 2U);
}

TEST(TensorViewTest, ShapesAsText) {
  EXPECT_EQ(shape_text({64, 2048}), "[64, 2048]");
  EXPECT_EQ(shape_text({}), "[]");
  EXPECT_EQ((TensorView{DType::kF32, {3, 4}, nullptr, 0}.elements()), 12);
  EXPECT_EQ((TensorView{}.elements()), 1) << "a scalar";
}

TEST(TensorViewTest, ReadsARangeOfAnyFloatTypeAtAnyAddress) {
  const std::vector<float> values = {1.5F, -2.0F, 0.0F, 0.25F, 96.0F};
  const std::vector<uint16_t> bf16 = {0x3fc0, 0xc000, 0x0000, 0x3e80, 0x42c0};
  const std::vector<uint16_t> f16 = {0x3e00, 0xc000, 0x0000, 0x3400, 0x5600};
  const auto check = [&](DType dtype, const void* source) {
    std::vector<std::byte> storage(5 * dtype_size(dtype) + 1);
    std::memcpy(storage.data() + 1, source, 5 * dtype_size(dtype));
    const TensorView view{dtype, {5}, storage.data() + 1, 5 * dtype_size(dtype)};
    std::vector<float> got(4, 9.0F);
    read_f32(view, 1, 3, got.data());
    EXPECT_EQ(got, (std::vector<float>{-2.0F, 0.0F, 0.25F, 9.0F})) << dtype_name(dtype);
    read_f32(view, 4, 1, got.data());
    EXPECT_EQ(got[0], 96.0F);
  };
  check(DType::kF32, values.data());
  check(DType::kBF16, bf16.data());
  check(DType::kF16, f16.data());
}

TEST(TensorViewTest, OtherTypesAreNoFloats) {
  const int64_t value = 1;
  const TensorView view{DType::kI64, {1}, reinterpret_cast<const std::byte*>(&value), 8};
  float out;
  const auto error = test::error_of([&] { read_f32(view, 0, 1, &out); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kUnsupported);
  EXPECT_NE(std::string(error->what()).find("I64"), std::string::npos);
}

TEST(BufferTest, IsZeroAndAligned) {
  constexpr size_t kMapped = size_t{128} << 10;  // from here on
  for (size_t bytes : {size_t{1}, size_t{4097}, kMapped - 65, kMapped - 64, kMapped - 1, kMapped,
                       kMapped + 1, size_t{3} << 20}) {
    const Buffer buffer(bytes);
    EXPECT_GE(buffer.size(), bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % 64, 0U);
    for (size_t i = 0; i < bytes; i += 511) ASSERT_EQ(buffer.data()[i], std::byte{0});
    ASSERT_EQ(buffer.data()[buffer.size() - 1], std::byte{0});
  }
  EXPECT_EQ(Buffer(0).data(), nullptr);
}

TEST(BufferTest, MovesWithoutCopying) {
  Buffer first(100);
  first.data()[7] = std::byte{42};
  const std::byte* at = first.data();
  Buffer second(std::move(first));
  EXPECT_EQ(second.data(), at);
  Buffer third;
  third = std::move(second);
  EXPECT_EQ(third.data(), at);
  EXPECT_EQ(third.data()[7], std::byte{42});
}

TEST(BufferTest, TooMuchMemoryIsAnError) {
  const auto error = test::error_of([] { Buffer buffer(size_t{1} << 60); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kIo);
}

TEST(ScratchTest, OnlyGrows) {
  Scratch<float> scratch;
  scratch.ensure(10);
  const size_t bytes = scratch.bytes();
  const float* at = scratch.data();
  EXPECT_EQ(scratch.ensure(5), at);
  EXPECT_EQ(scratch.bytes(), bytes);
  scratch.ensure(100000);
  EXPECT_GE(scratch.bytes(), 400000U);
}

TEST(RowsTest, StrideLeavesRoomForTheZeroThatPadsAnOddLength) {
  for (int64_t n : {1, 31, 32, 63, 64, 2048, 4096}) {
    EXPECT_GT(row_stride(n), n);
    EXPECT_EQ(row_stride(n) % 32, 0);
    EXPECT_NE(row_stride(n) * 2 % 4096, 0) << "rows of a power of two share cache sets";
  }
}

TEST(RowsTest, RowsStandAStrideApart) {
  RowBuffer buffer;
  for (const Compute compute : {Compute::kF32, Compute::kBF16}) {
    const Rows rows = buffer.ensure(compute, 3, 33);
    EXPECT_EQ(rows.compute, compute);
    const auto distance =
        static_cast<std::byte*>(rows.row(2)) - static_cast<std::byte*>(rows.row(0));
    EXPECT_EQ(distance, 2 * row_stride(33) * static_cast<int64_t>(compute_size(compute)));
  }
}

}  // namespace
}  // namespace expertoire
