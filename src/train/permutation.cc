#include "train/permutation.h"

#include <bit>

namespace expertoire::train {
namespace {

constexpr uint64_t kGolden = 0x9e3779b97f4a7c15ULL;

// The finaliser of splitmix64 (Steele, Lea, Flood 2014).
uint64_t mix(uint64_t x) {
  x += kGolden;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

uint64_t permuted(uint64_t seed, uint64_t epoch, uint64_t size, uint64_t index) {
  if (size < 2) return index;
  constexpr uint64_t kRounds = 6;
  const auto half = (static_cast<uint64_t>(std::bit_width(size - 1)) + 1) / 2;
  const uint64_t mask = (uint64_t{1} << half) - 1;
  const uint64_t key = mix(mix(seed) ^ epoch);
  do {
    uint64_t left = index >> half;
    uint64_t right = index & mask;
    for (uint64_t round = 0; round < kRounds; ++round) {
      const uint64_t next = left ^ (mix(key + round * kGolden + right) & mask);
      left = right;
      right = next;
    }
    index = left << half | right;
  } while (index >= size);
  return index;
}

}  // namespace expertoire::train
