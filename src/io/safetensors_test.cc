#include "io/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "support/errors.h"
#include "support/shared.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

using test::error_of;
using test::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string file_bytes(const std::string& header, size_t data_size) {
  std::string bytes;
  for (size_t i = 0; i < 8; ++i) bytes += static_cast<char>(uint64_t{header.size()} >> (8 * i));
  bytes += header;
  for (size_t i = 0; i < data_size; ++i) bytes += static_cast<char>(i);
  return bytes;
}

template <typename T>
TensorView view_of(DType dtype, std::vector<int64_t> shape, const std::vector<T>& values) {
  return {dtype, std::move(shape), reinterpret_cast<const std::byte*>(values.data()),
          values.size() * sizeof(T)};
}

TEST(SafetensorsTest, ReadsTensorsMetadataScalarsAndEmptyOnes) {
  const TempDir dir;
  const std::string header = R"({"__metadata__":{"format":"pt"},)"
                             R"("b":{"dtype":"U8","shape":[2,3],"data_offsets":[4,10]},)"
                             R"("empty":{"dtype":"F32","shape":[0,5],"data_offsets":[4,4]},)"
                             R"("a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}   )";
  const auto file = SafetensorsFile::open(dir.write("x", file_bytes(header, 10)));
  EXPECT_EQ(file.metadata().at("format"), "pt");
  ASSERT_EQ(file.tensors().size(), 3u);
  EXPECT_THAT(file.tensor("a").shape, ElementsAre());
  EXPECT_EQ(file.tensor("a").elements(), 1);
  EXPECT_EQ(file.tensor("empty").elements(), 0);
  const TensorView& b = file.tensor("b");
  EXPECT_EQ(b.dtype, DType::kU8);
  EXPECT_THAT(b.shape, ElementsAre(2, 3));
  EXPECT_EQ(b.bytes, 6u);
  EXPECT_EQ(std::to_integer<int>(b.data[5]), 9);
  file.release(b);
  EXPECT_EQ(std::to_integer<int>(b.data[5]), 9);
}

TEST(SafetensorsTest, AFileWithoutTensorsIsLegal) {
  const TempDir dir;
  EXPECT_TRUE(SafetensorsFile::open(dir.write("x", file_bytes("{}", 0))).tensors().empty());
}

TEST(SafetensorsTest, SurvivesBeingMoved) {
  const TempDir dir;
  const std::string header = R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}})";
  auto file = SafetensorsFile::open(dir.write("x", file_bytes(header, 3)));
  std::vector<SafetensorsFile> files;
  files.push_back(std::move(file));
  files.reserve(100);
  EXPECT_EQ(std::to_integer<int>(files[0].tensor("a").data[2]), 2);
}

TEST(SafetensorsTest, NamesTheMissingTensorAndTheMissingFile) {
  const TempDir dir;
  const auto file = SafetensorsFile::open(dir.write("x", file_bytes("{}", 0)));
  const auto tensor = error_of([&] { (void)file.tensor("w"); });
  ASSERT_TRUE(tensor);
  EXPECT_EQ(tensor->code(), ErrorCode::kNotFound);
  EXPECT_THAT(tensor->what(), HasSubstr("no tensor \"w\""));
  const auto absent = error_of([&] { SafetensorsFile::open(dir.file("nothing")); });
  ASSERT_TRUE(absent);
  EXPECT_EQ(absent->code(), ErrorCode::kNotFound);
  const auto folder = error_of([&] { SafetensorsFile::open(dir.path()); });
  ASSERT_TRUE(folder);
  EXPECT_EQ(folder->code(), ErrorCode::kBadFile);
}

TEST(SafetensorsTest, WritesWhatItReads) {
  const TempDir dir;
  const std::vector<float> floats = {1.5f, -2.0f, 3.25f, 0.0f, 5.0f, 6.0f};
  const std::vector<uint8_t> bytes = {1, 2, 3};
  const std::vector<int64_t> ids = {-7};
  const std::vector<float> none;
  const std::string path = dir.file("o.safetensors");
  write_safetensors(path,
                    {{"z \"ü\"", view_of(DType::kU8, {3}, bytes)},
                     {"floats", view_of(DType::kF32, {2, 3}, floats)},
                     {"none", view_of(DType::kF32, {0, 4}, none)},
                     {"id", view_of(DType::kI64, {}, ids)}},
                    {{"made by", "a \\ test"}});
  EXPECT_THAT(dir.names(), ElementsAre("o.safetensors"));
  const auto file = SafetensorsFile::open(path);
  EXPECT_EQ(file.metadata().at("made by"), "a \\ test");
  ASSERT_EQ(file.tensors().size(), 4u);
  std::vector<float> back(6);
  read_f32(file.tensor("floats"), 0, 6, back.data());
  EXPECT_EQ(back, floats);
  EXPECT_EQ(std::memcmp(file.tensor("id").data, ids.data(), 8), 0);
  EXPECT_THAT(file.tensor("none").shape, ElementsAre(0, 4));
  EXPECT_EQ(std::to_integer<int>(file.tensor("z \"ü\"").data[2]), 3);
}

TEST(SafetensorsTest, EveryWrittenTensorIsAlignedToItsType) {
  const TempDir dir;
  const std::vector<uint8_t> odd = {1, 2, 3};
  const std::vector<double> wide = {1.0, 2.0};
  const std::vector<float> floats = {3.0f};
  const std::string path = dir.file("o");
  write_safetensors(path, {{"a", view_of(DType::kU8, {3}, odd)},
                           {"b", view_of(DType::kF32, {1}, floats)},
                           {"c", view_of(DType::kF64, {2}, wide)}});
  const auto file = SafetensorsFile::open(path);
  for (const auto& [name, view] : file.tensors()) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(view.data) % dtype_size(view.dtype), 0u) << name;
  }
}

TEST(SafetensorsTest, RefusesToWriteNonsenseAndLeavesNothing) {
  const TempDir dir;
  const std::vector<float> one = {1.0f};
  const NamedTensor good = {"w", view_of(DType::kF32, {1}, one)};
  const std::vector<std::vector<NamedTensor>> bad = {
      {good, good},
      {{"w", view_of(DType::kF32, {2}, one)}},
      {{"w", view_of(DType::kF32, {-1}, one)}},
      {{"w", view_of(DType::kF32, {int64_t{1} << 62, 4, 0}, one)}},
      {{"\xff", view_of(DType::kF32, {1}, one)}},
      {{"__metadata__", view_of(DType::kF32, {1}, one)}}};
  for (const auto& tensors : bad) {
    const auto error = error_of([&] { write_safetensors(dir.file("o"), tensors); });
    ASSERT_TRUE(error) << tensors[0].name;
    EXPECT_EQ(error->code(), ErrorCode::kInvalidArgument) << error->what();
  }
  EXPECT_THAT(dir.names(), ElementsAre());
}

TEST(SafetensorsTest, OpensEveryGolden) {
  EXPERTOIRE_NEEDS_SHARED("goldens");
  int files = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(shared_folder() + "/goldens")) {
    if (entry.path().extension() != ".safetensors") continue;
    const auto file = SafetensorsFile::open(entry.path().string());
    EXPECT_FALSE(file.tensors().empty()) << entry.path();
    ++files;
  }
  EXPECT_GT(files, 20);
}

}  // namespace
}  // namespace expertoire
