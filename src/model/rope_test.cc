// Frequencies and angles against the formulas in double.
#include "model/rope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "support/errors.h"
#include "support/miniature.h"

namespace expertoire::test {
namespace {

using nlohmann::json;

constexpr double kPi = std::numbers::pi;

RopeConfig read(const json& scaling, int64_t max_positions = 4096) {
  json config = miniature_config("mixtral");
  config["max_position_embeddings"] = max_positions;
  config["rope_theta"] = 10000.0;
  config["rope_scaling"] = scaling;
  return parse_config(config, "config.json").rope;
}

double plain(double theta, double dim, size_t i) {
  return std::pow(theta, -2.0 * static_cast<double>(i) / dim);
}

// Each frequency against `expected(i)`, to f32 rounding.
template <class Formula>
void expect_frequencies(const RopeConfig& rope, int64_t dim, Formula expected) {
  const std::vector<float> got = rope_frequencies(rope, dim);
  ASSERT_EQ(got.size(), static_cast<size_t>(dim / 2));
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_NEAR(got[i], expected(i), 5e-7 * expected(i)) << "pair " << i << " of " << dim;
  }
}

TEST(RopeTest, DefaultFallsGeometrically) {
  for (int64_t dim : {2, 10, 64, 128}) {
    for (double theta : {10000.0, 1e6}) {
      RopeConfig rope;
      rope.theta = theta;
      expect_frequencies(rope, dim,
                         [&](size_t i) { return plain(theta, static_cast<double>(dim), i); });
    }
  }
}

TEST(RopeTest, LinearDividesThePosition) {
  const RopeConfig rope = read({{"type", "linear"}, {"factor", 4.0}});
  EXPECT_EQ(rope.attention_factor, 1.0);
  expect_frequencies(rope, 64, [](size_t i) { return plain(10000.0, 64, i) / 4.0; });
}

// Llama 3.1: wavelengths over the original context over low_freq_factor are stretched, those under
// it over high_freq_factor stay, those between are blended.
TEST(RopeTest, Llama3StretchesLongWavelengths) {
  const RopeConfig rope = read({{"rope_type", "llama3"},
                                {"factor", 8.0},
                                {"low_freq_factor", 1.0},
                                {"high_freq_factor", 4.0},
                                {"original_max_position_embeddings", 2048}});
  int kept = 0;
  int blended = 0;
  int stretched = 0;
  expect_frequencies(rope, 128, [&](size_t i) {
    const double frequency = plain(10000.0, 128, i);
    const double rotations = 2048.0 * frequency / (2 * kPi);
    if (rotations > 4.0) {
      ++kept;
      return frequency;
    }
    if (rotations < 1.0) {
      ++stretched;
      return frequency / 8.0;
    }
    ++blended;
    const double smooth = (rotations - 1.0) / (4.0 - 1.0);
    return (1 - smooth) * frequency / 8.0 + smooth * frequency;
  });
  EXPECT_GT(kept, 0);
  EXPECT_GT(blended, 0);
  EXPECT_GT(stretched, 0);
}

// YaRN (arXiv 2309.00071): between beta_fast and beta_slow rotations over the original context, a
// ramp from the plain to the interpolated frequency.
double yarn(size_t i, double dim, double factor, double length, bool truncate, double fast = 32,
            double slow = 1) {
  const auto index = [&](double rotations) {
    return dim * std::log(length / (rotations * 2 * kPi)) / (2 * std::log(10000.0));
  };
  double low = index(fast);
  double high = index(slow);
  if (truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, dim - 1);
  const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
  const double frequency = plain(10000.0, dim, i);
  return ramp * frequency / factor + (1 - ramp) * frequency;
}

TEST(RopeTest, YarnRampsFromPlainToInterpolated) {
  const json base = {
      {"type", "yarn"}, {"factor", 16.0}, {"original_max_position_embeddings", 1024}};
  const RopeConfig rope = read(base);
  expect_frequencies(rope, 64, [](size_t i) { return yarn(i, 64, 16, 1024, true); });
  json exact = base;
  exact["truncate"] = false;
  expect_frequencies(read(exact), 64, [](size_t i) { return yarn(i, 64, 16, 1024, false); });
  json betas = base;
  betas.update({{"beta_fast", 8.0}, {"beta_slow", 2.0}});
  expect_frequencies(read(betas), 64, [](size_t i) { return yarn(i, 64, 16, 1024, true, 8, 2); });
  const double truncated = yarn(12, 64, 16, 1024, true);
  EXPECT_GT(std::abs(truncated - yarn(12, 64, 16, 1024, false)), 1e-3 * truncated)
      << "the cases must differ";
}

TEST(RopeTest, YarnAttentionFactor) {
  json scaling = {{"type", "yarn"}, {"factor", 16.0}, {"original_max_position_embeddings", 1024}};
  EXPECT_NEAR(read(scaling).attention_factor, 0.1 * std::log(16.0) + 1.0, 1e-12);
  scaling["mscale"] = 0.7;
  scaling["mscale_all_dim"] = 0.5;
  EXPECT_NEAR(read(scaling).attention_factor,
              (0.1 * 0.7 * std::log(16.0) + 1) / (0.1 * 0.5 * std::log(16.0) + 1), 1e-12);
  scaling["attention_factor"] = 1.25;
  EXPECT_EQ(read(scaling).attention_factor, 1.25);
  EXPECT_EQ(read({{"type", "yarn"}, {"factor", 0.5}}).attention_factor, 1.0);
}

TEST(RopeTest, AnglesAtFarPositionsCarryTheAttentionFactor) {
  const std::vector<float> inv_freq = rope_frequencies({}, 64);
  for (int64_t position : {0, 1, 77, 4095, 131071}) {
    std::vector<float> cos(32);
    std::vector<float> sin(32);
    rope_angles(inv_freq, 1.25, position, cos.data(), sin.data());
    for (size_t i = 0; i < 32; ++i) {
      // The angle itself is rounded to f32, as in the reference.
      const double angle = static_cast<float>(position) * inv_freq[i];
      EXPECT_NEAR(cos[i], 1.25 * std::cos(angle), 2e-7);
      EXPECT_NEAR(sin[i], 1.25 * std::sin(angle), 2e-7);
    }
  }
}

TEST(RopeTest, OriginalContextDefaultsToTheModels) {
  EXPECT_EQ(read({{"type", "yarn"}, {"factor", 2.0}}, 777).original_max_position_embeddings, 777);
}

TEST(RopeTest, WhatCannotBeIsRefusedByName) {
  const std::vector<std::tuple<json, ErrorCode, std::string>> bad = {
      {{{"type", "dynamic"}, {"factor", 2.0}}, ErrorCode::kUnsupported, "dynamic"},
      {{{"rope_type", "longrope"}, {"factor", 2.0}}, ErrorCode::kUnsupported, "longrope"},
      {{{"type", "linear"}}, ErrorCode::kBadFile, "factor"},
      {{{"type", "linear"}, {"factor", -1.0}}, ErrorCode::kBadFile, "factor"},
      {{{"type", "linear"}, {"factor", 2.0}, {"stretch", 3.0}}, ErrorCode::kUnsupported, "stretch"},
      {{{"rope_type", "llama3"},
        {"factor", 8.0},
        {"low_freq_factor", 4.0},
        {"high_freq_factor", 1.0}},
       ErrorCode::kBadFile,
       "high_freq_factor"},
      {{{"type", "linear"}, {"factor", 2.0}, {"partial_rotary_factor", 0.5}},
       ErrorCode::kUnsupported,
       "partial_rotary_factor"},
      {{{"rope_type", "default"}, {"rope_theta", 1.0}}, ErrorCode::kBadFile, "rope_theta"}};
  for (const auto& [scaling, code, found] : bad) {
    const auto error = error_of([&, &scaling = scaling] { read(scaling); });
    ASSERT_TRUE(error) << scaling;
    EXPECT_EQ(error->code(), code) << error->what();
    EXPECT_NE(std::string(error->what()).find(found), std::string::npos) << error->what();
  }
}

}  // namespace
}  // namespace expertoire::test
