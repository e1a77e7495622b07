// Moments against two passes in double; files that come back bit by bit; what does not fit.
#include "embed/calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "io/safetensors.h"
#include "support/errors.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(MomentTest, OnePassEqualsTwo) {
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  // The second dimension is where sums of squares would lose everything: far from zero, narrow.
  const std::vector<float> offset = {0.0F, 30000.0F, -2.0F};
  const std::vector<float> spread = {1.0F, 0.5F, 100.0F};
  MomentAccumulator moments;
  std::vector<std::vector<float>> rows;
  for (int i = 0; i < 1000; ++i) {
    std::vector<float> row;
    for (size_t d = 0; d < 3; ++d) row.push_back(offset[d] + spread[d] * normal(random));
    moments.add(row);
    rows.push_back(row);
  }
  EXPECT_EQ(moments.count(), 1000);
  for (size_t d = 0; d < 3; ++d) {
    double mean = 0;
    for (const auto& row : rows) mean += row[d] / 1000.0;
    double square = 0;
    for (const auto& row : rows) square += (row[d] - mean) * (row[d] - mean);
    const double std = std::sqrt(square / 999.0);
    EXPECT_NEAR(moments.mean()[d], mean, 1e-6 * (1 + std::abs(mean)));
    EXPECT_NEAR(moments.std()[d], std, 1e-6 * std) << "unbiased";
  }
}

TEST(MomentTest, ConstantDimensionHasNoSpread) {
  MomentAccumulator moments;
  for (int i = 0; i < 5; ++i) moments.add({0.1F});
  EXPECT_THAT(moments.mean(), ElementsAre(0.1F));
  EXPECT_THAT(moments.std(), ElementsAre(0.0F));
}

TEST(StandardizeTest, SubtractsAndDivides) {
  std::vector<float> values = {3.0F, 1.0F, 5.0F};
  standardize({1.0F, 1.0F, 5.0F}, {4.0F, 0.5F, 0.0F}, values);
  EXPECT_THAT(values, ElementsAre(0.5F, 0.0F, 0.0F)) << "no division by zero";
}

TEST(StandardizeTest, OtherSizesAreRefused) {
  std::vector<float> values(3);
  for (const auto& [means, spreads] : {std::pair<size_t, size_t>{2, 3}, {3, 4}, {0, 0}}) {
    const std::vector<float> mean(means);
    const std::vector<float> std(spreads);
    const auto error = error_of([&] { standardize(mean, std, values); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error->what(), HasSubstr("expertoire calibrate"));
  }
}

Calibration example() {
  Calibration calibration;
  calibration.sets["none"] = {{1, 2}, {3, 4}, {0.1F, 0.2F, 0.3F}, {1e-30F, 0, 7}};
  calibration.sets["Title: {text}"] = {{5}, {6}, {}, {}};
  calibration.metadata = {{"corpus", "books, \"1\""}, {"pooling", "last"}};
  return calibration;
}

TEST(CalibrationTest, ComesBackAsItWasSaved) {
  const test::TempDir folder;
  const std::string path = folder.file("calibration.safetensors");
  const Calibration saved = example();
  saved.save(path);
  const Calibration loaded = Calibration::load(path);
  ASSERT_EQ(loaded.sets.size(), 2U);
  for (const auto& [prompt, set] : saved.sets) {
    const CalibrationSet& got = loaded.sets.at(prompt);
    EXPECT_EQ(got.hidden_mean, set.hidden_mean);
    EXPECT_EQ(got.hidden_std, set.hidden_std);
    EXPECT_EQ(got.routing_mean, set.routing_mean);
    EXPECT_EQ(got.routing_std, set.routing_std);
  }
  for (const auto& [key, value] : saved.metadata) EXPECT_EQ(loaded.metadata.at(key), value);
  loaded.save(folder.file("again.safetensors"));
  EXPECT_EQ(test::read_bytes(folder.file("again.safetensors")), test::read_bytes(path));
}

TEST(CalibrationTest, SetOfAPrompt) {
  const Calibration calibration = example();
  EXPECT_EQ(calibration.set("none", {}).hidden_mean[1], 2.0F);
  EXPECT_EQ(calibration.set("none", {{"pooling", "last"}, {"unknown", "x"}}).hidden_mean[0], 1.0F);
  const auto missing = error_of([&] { calibration.set("style", {}); });
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(missing->what(), HasSubstr("nothing for the prompt \"style\""));
  EXPECT_THAT(missing->what(), HasSubstr("Title: {text}, none"));
}

TEST(CalibrationTest, FittedForSomethingElseIsRefused) {
  const auto error = error_of([] { example().set("none", {{"pooling", "mean"}}); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error->what(), HasSubstr("fitted with pooling = last; expected pooling = mean"));
}

// A file with these tensors of two values; `std` of the second one.
void write(const std::string& path, const std::string& name, DType dtype,
           std::vector<int64_t> shape, std::vector<float> values,
           std::map<std::string, std::string> metadata) {
  const NamedTensor tensor{name,
                           {dtype, std::move(shape),
                            reinterpret_cast<const std::byte*>(values.data()), values.size() * 4}};
  write_safetensors(path, {tensor}, metadata);
}

TEST(CalibrationTest, FilesThatAreNoCalibrationAreBad) {
  const test::TempDir folder;
  const std::string path = folder.file("c.safetensors");
  const std::map<std::string, std::string> good = {{"format", "expertoire.calibration/1"}};
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto expect_bad = [&](const std::string& found) {
    const auto error = error_of([&] { Calibration::load(path); });
    ASSERT_TRUE(error) << found;
    EXPECT_EQ(error->code(), ErrorCode::kBadFile);
    EXPECT_THAT(error->what(), HasSubstr(found));
    EXPECT_THAT(error->what(), HasSubstr(path));
  };
  write(path, "none/hidden.mean", DType::kF32, {2}, {1, 2}, {});
  expect_bad("the format \"\"");
  write(path, "none/hidden.mean", DType::kF32, {2}, {1, 2}, {{"format", "other"}});
  expect_bad("the format \"other\"");
  write(path, "none/hidden.median", DType::kF32, {2}, {1, 2}, good);
  expect_bad("none/hidden.median");
  write(path, "hidden.mean", DType::kF32, {2}, {1, 2}, good);
  expect_bad("hidden.mean");
  write(path, "none/hidden.mean", DType::kI32, {2}, {1, 2}, good);
  expect_bad("\"none/hidden.mean\" is ");
  write(path, "none/hidden.mean", DType::kF32, {1, 2}, {1, 2}, good);
  expect_bad("\"none/hidden.mean\" is ");
  write(path, "none/hidden.mean", DType::kF32, {2}, {1, nan}, good);
  expect_bad("nan at 1 of");
  write(path, "none/hidden.std", DType::kF32, {2}, {1, -1}, good);
  expect_bad("-1 at 1 of");
}

TEST(CalibrationTest, MissingFileIsNotFound) {
  const test::TempDir folder;
  const auto error = error_of([&] { Calibration::load(folder.file("none")); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace expertoire
