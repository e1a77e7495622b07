// Which tokens kept which key, key by key: what makes sparse products fast, since a key's weights
// are read once for all tokens of a block.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "routing/factored.h"
#include "simd/kernels.h"
#include "tensor/buffer.h"

namespace expertoire {

/// Tokens of a block: as many as a tile of an Executor has rows, so that a panel of their outputs
/// stays in the first-level cache.
inline constexpr int64_t kMonetBlock = kMaxPanelRows;

/// A pair is a key and a token of which some head kept it. Pairs of one side of a routing, for the
/// tokens [first, last), key by key with tokens rising.
class MonetPairs {
 public:
  void list(const FactoredRouting& routing, int side, int64_t first, int64_t last);

  /// The keys that have pairs, rising.
  std::span<const int32_t> keys() const { return keys_; }
  int64_t count() const { return static_cast<int64_t>(tokens_.size()); }
  /// Key i has the pairs [begin(i), begin(i + 1)).
  int64_t begin(int64_t key) const { return begin_[static_cast<size_t>(key)]; }
  /// Tokens of a key's pairs, counted from the block's first.
  std::span<const int32_t> tokens(int64_t key) const;
  /// The pairs of a token's entries (FactoredRouting::kept), token counted from the block's first.
  const int32_t* of_entries(int64_t token) const;

 private:
  std::vector<int32_t> keys_;
  std::vector<int32_t> begin_;     // [n + 2], the last of no meaning
  std::vector<int32_t> tokens_;    // [pairs]
  std::vector<int32_t> of_entry_;  // [pairs]
  std::vector<int32_t> entries_;   // [tokens]: a token's first entry
};

/// What a factored layer holds of a block of tokens, side by side.
struct MonetBlock {
  int64_t first = 0;
  int64_t last = 0;  ///< tokens [first, last)
  std::array<MonetPairs, 2> pairs;
  std::array<Scratch<float>, 2> neurons;     ///< [pairs, width]
  std::array<Scratch<std::byte>, 2> values;  ///< [pairs, slot], in the type of the products
};

}  // namespace expertoire
