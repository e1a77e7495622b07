#include "engine/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "support/errors.h"

namespace expertoire {
namespace {

constexpr int kDraws = 20000;
const std::vector<float> kLogits = {0.3F, 2.0F, -1.0F, 1.2F, 2.0F, 0.0F, -4.0F};

// Probabilities of the tokens in `allowed`, the others 0.
std::vector<double> exact(double temperature, const std::vector<size_t>& allowed) {
  std::vector<double> probs(kLogits.size(), 0.0);
  double sum = 0;
  for (size_t i : allowed)
    sum += probs[i] = std::exp(static_cast<double>(kLogits[i]) / temperature);
  for (double& prob : probs) prob /= sum;
  return probs;
}

// Pearson's statistic of many draws; infinite when something impossible was drawn. At most six
// degrees of freedom: above 22.5 once in a thousand fair samples (and the seed is fixed).
constexpr double kFair = 22.5;

double chi_square(const SamplerOptions& options, const std::vector<double>& expected) {
  Sampler sampler(options);
  std::vector<int> count(kLogits.size(), 0);
  for (int i = 0; i < kDraws; ++i) ++count[static_cast<size_t>(sampler.sample(kLogits))];
  double statistic = 0;
  for (size_t i = 0; i < count.size(); ++i) {
    const double mean = kDraws * expected[i];
    if (mean == 0 && count[i] > 0) return std::numeric_limits<double>::infinity();
    if (mean > 0) statistic += (count[i] - mean) * (count[i] - mean) / mean;
  }
  return statistic;
}

const std::vector<size_t> kAll = {0, 1, 2, 3, 4, 5, 6};

TEST(SamplerTest, GreedyTakesTheLargestAndTheLowerOfTwo) {
  Sampler sampler({});
  EXPECT_EQ(sampler.sample(kLogits), 1);
  EXPECT_EQ(sampler.sample(std::vector<float>{-2, -1, -1}), 1);
  EXPECT_EQ(sampler.sample(std::vector<float>{7}), 0);
}

TEST(SamplerTest, TemperatureGivesItsDistributionAndNoOther) {
  for (const double temperature : {0.5, 1.0, 3.0}) {
    const SamplerOptions options{.temperature = temperature, .seed = 4};
    EXPECT_LT(chi_square(options, exact(temperature, kAll)), kFair) << temperature;
    EXPECT_GT(chi_square(options, exact(temperature * 1.1, kAll)), kFair) << temperature;
  }
}

TEST(SamplerTest, TopKKeepsTheLargestAndTheLowerIdAmongEquals) {
  const auto with = [](int k) { return SamplerOptions{.temperature = 0.8, .top_k = k, .seed = 5}; };
  EXPECT_LT(chi_square(with(1), exact(0.8, {1})), kFair);
  EXPECT_LT(chi_square(with(3), exact(0.8, {1, 3, 4})), kFair);
  EXPECT_LT(chi_square(with(7), exact(0.8, kAll)), kFair);
  EXPECT_LT(chi_square(with(100), exact(0.8, kAll)), kFair);
  EXPECT_GT(chi_square(with(3), exact(0.8, kAll)), kFair);
}

TEST(SamplerTest, TopPKeepsTheSmallestSetThatHoldsIt) {
  const std::vector<double> probs = exact(1.0, kAll);  // by falling size: 1, 4, 3, 0, 5, 2, 6
  const auto with = [](double p) {
    return SamplerOptions{.temperature = 1.0, .top_p = p, .seed = 6};
  };
  EXPECT_LT(chi_square(with(1e-9), exact(1.0, {1})), kFair);
  const double two = probs[1] + probs[4];
  EXPECT_LT(chi_square(with(two - 1e-6), exact(1.0, {1, 4})), kFair);
  EXPECT_LT(chi_square(with(two + 1e-6), exact(1.0, {1, 3, 4})), kFair);
  EXPECT_LT(chi_square(with(1.0), probs), kFair);
}

// Among four equal logits three hold half of the probability only after top_k has cut: first k,
// then p of what is left.
TEST(SamplerTest, TopPCountsWhatTopKLeft) {
  Sampler sampler({.temperature = 1.0, .top_k = 2, .top_p = 0.5, .seed = 1});
  for (int i = 0; i < 100; ++i) EXPECT_EQ(sampler.sample(std::vector<float>{1, 1, 1, 1}), 0);
}

TEST(SamplerTest, VerySmallTemperatureIsGreedyAndLargeLogitsDoNotOverflow) {
  Sampler cold({.temperature = 1e-300});
  EXPECT_EQ(cold.sample(std::vector<float>{1, 3, 2}), 1);
  Sampler warm({.temperature = 1.0});
  EXPECT_EQ(warm.sample(std::vector<float>{-3e38F, 3e38F, 0}), 1);
}

TEST(SamplerTest, SeedDecidesEveryDraw) {
  const auto draws = [](uint64_t seed) {
    Sampler sampler({.temperature = 2.0, .seed = seed});
    std::vector<int32_t> ids;
    for (int i = 0; i < 50; ++i) ids.push_back(sampler.sample(kLogits));
    return ids;
  };
  EXPECT_EQ(draws(1), draws(1));
  EXPECT_NE(draws(1), draws(2));
}

// The published sequence of splitmix64 from 1234567 starts 6457827717110365317,
// 3203168211198807973, 9817491932198370423: 0.350…, 0.173…, 0.532… of 2⁶⁴.
TEST(SamplerTest, DrawsAreThoseOfSplitmix64OnEveryMachine) {
  Sampler sampler({.temperature = 1.0, .seed = 1234567});
  const std::vector<float> equal(1000, 0.5F);
  EXPECT_EQ(sampler.sample(equal), 350);
  EXPECT_EQ(sampler.sample(equal), 173);
  EXPECT_EQ(sampler.sample(equal), 532);
}

TEST(SamplerTest, GreedyDrawsNothing) {
  const std::vector<float> equal(1000, 0.5F);
  Sampler greedy({.seed = 3});
  EXPECT_EQ(greedy.sample(equal), 0);
  EXPECT_EQ(greedy.sample(equal), 0);
}

TEST(SamplerTest, ValuesOutOfRangeAreRefusedByName) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<std::pair<SamplerOptions, std::string>> bad = {
      {{.temperature = -0.1}, "temperature -0.1"},
      {{.temperature = nan}, "temperature nan"},
      {{.temperature = INFINITY}, "temperature inf"},
      {{.top_k = -1}, "top_k -1"},
      {{.top_p = 0.0}, "top_p 0"},
      {{.top_p = 1.01}, "top_p 1.01"},
      {{.top_p = nan}, "top_p nan"}};
  for (const auto& [options, found] : bad) {
    const auto error = test::error_of([&, &options = options] { Sampler sampler(options); });
    ASSERT_TRUE(error) << found;
    EXPECT_EQ(error->code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error->what()).find(found), std::string::npos) << error->what();
  }
}

}  // namespace
}  // namespace expertoire
