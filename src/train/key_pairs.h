// Which tokens use which key, key by key: what makes products with sparse routings fast, since the
// rows of a key's matrix are read once for all its tokens.
#pragma once

#include <cstdint>
#include <span>

namespace expertoire::train {

/// Tokens go in blocks of this many, whose activations fit in a core's cache.
inline constexpr int64_t kPairBlock = 256;

inline int64_t pair_blocks(int64_t tokens) { return (tokens + kPairBlock - 1) / kPairBlock; }

/// A pair is a key and a token of which some head kept it. Key i of block b has the pairs
/// [starts[b·n + i], starts[b·n + i + 1]), in rising order of tokens.
struct PairView {
  const int64_t* starts = nullptr;  ///< [blocks·n + 1]
  const int32_t* tokens = nullptr;  ///< [pairs]
  int64_t blocks = 0;
  int64_t n = 0;
};

/// The entries of tokens, as monet_kernels.h lays them out, with the key that each is counted to.
struct EntryView {
  const int64_t* offsets = nullptr;  ///< [tokens·heads + 1]
  const int32_t* keys = nullptr;     ///< [entries]
  int64_t tokens = 0;
  int64_t heads = 0;
  int64_t n = 0;             ///< keys a head
  bool heads_apart = false;  ///< a head's keys are its own: n·heads of them, each entry a pair
};

/// starts[b·n + i + 1] = number of pairs of key i in block b. n is that of the pairs.
void count_pairs(const EntryView& entries, int64_t block, int64_t* starts);

/// With `starts` summed up: the token of every pair of the block and the pair of every entry.
void fill_pairs(const EntryView& entries, int64_t block, const int64_t* starts, int32_t* tokens,
                int64_t* pair_of_entry);

}  // namespace expertoire::train
