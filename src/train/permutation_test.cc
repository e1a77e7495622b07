#include "train/permutation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace expertoire::train {
namespace {

std::vector<uint64_t> order(uint64_t seed, uint64_t epoch, uint64_t size) {
  std::vector<uint64_t> places;
  for (uint64_t i = 0; i < size; ++i) places.push_back(permuted(seed, epoch, size, i));
  return places;
}

TEST(PermutationTest, HasEveryPlaceOnce) {
  for (uint64_t size : {1u, 2u, 3u, 4u, 5u, 16u, 17u, 64u, 65u, 255u, 256u, 257u, 1000u, 4097u}) {
    std::vector<int> seen(size, 0);
    for (const uint64_t place : order(7, 3, size)) {
      ASSERT_LT(place, size);
      ++seen[place];
    }
    EXPECT_EQ(seen, std::vector<int>(size, 1)) << "of " << size;
  }
}

// Written down once: a run that is resumed on another machine must go on in the same order.
TEST(PermutationTest, IsTheSameEverywhere) {
  EXPECT_EQ(order(1, 0, 10), (std::vector<uint64_t>{2, 3, 8, 1, 4, 5, 6, 7, 0, 9}));
  EXPECT_EQ(permuted(42, 5, uint64_t{1} << 40, 123456789), 347702031443u);
}

TEST(PermutationTest, DependsOnSeedAndEpoch) {
  EXPECT_NE(order(1, 0, 100), order(2, 0, 100));
  EXPECT_NE(order(1, 0, 100), order(1, 1, 100));
  EXPECT_NE(order(1, 1, 100), order(0, 2, 100)) << "seed and epoch are not simply added";
}

// Of a random order, neighbours are a third of the size apart on average, and the order says
// nothing about the place.
TEST(PermutationTest, LooksRandom) {
  constexpr uint64_t kSize = 10000;
  const std::vector<uint64_t> places = order(3, 0, kSize);
  double apart = 0, product = 0;
  constexpr double kMiddle = (kSize - 1) / 2.0;
  for (uint64_t i = 0; i < kSize; ++i) {
    const auto place = static_cast<double>(places[i]);
    product += (static_cast<double>(i) - kMiddle) * (place - kMiddle);
    apart += std::abs(place - static_cast<double>(places[(i + 1) % kSize]));
  }
  EXPECT_NEAR(apart / kSize / kSize, 1.0 / 3, 0.01);
  EXPECT_NEAR(product / (kSize * (1.0 * kSize * kSize - 1) / 12), 0, 0.04) << "correlation";
}

}  // namespace
}  // namespace expertoire::train
