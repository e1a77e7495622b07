// A shuffled order without a table.
#pragma once

#include <cstdint>

namespace expertoire::train {

/// Where `index` of [0, size) goes in the order that (seed, epoch) gives: a bijection of [0, size),
/// the same on every platform. A Feistel network of 6 rounds over the smallest even number of bits
/// that holds `size`, repeated until the value is below `size` (under 4 times on average).
uint64_t permuted(uint64_t seed, uint64_t epoch, uint64_t size, uint64_t index);

}  // namespace expertoire::train
