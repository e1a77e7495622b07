// Which tokens kept which keys: the routing of a side, seen from its keys.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "routing/factored.h"

namespace expertoire {

/// Pairs of a group of neighbouring keys and a token of which some head kept one of them, in blocks
/// of kPairBlock tokens: block by block, group by group, tokens rising. A pair's index says where
/// what belongs to it lies.
class KeyPairs {
 public:
  /// Tokens that products gather from: their rows stay in the second-level cache.
  static constexpr int64_t kPairBlock = 256;

  /// Of `side` of the routing, in groups of `group` keys.
  KeyPairs(ThreadPool& pool, const FactoredRouting& routing, int side, int group);

  int64_t size() const { return static_cast<int64_t>(tokens_.size()); }
  int64_t blocks() const { return blocks_; }
  int64_t groups() const { return groups_; }
  /// The first pair of a group in a block, and its tokens.
  int64_t first(int64_t block, int64_t group) const {
    return starts_[static_cast<size_t>(block * groups_ + group)];
  }
  std::span<const int32_t> tokens(int64_t block, int64_t group) const {
    const int64_t begin = first(block, group);
    const int64_t end = starts_[static_cast<size_t>(block * groups_ + group + 1)];
    return std::span(tokens_).subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
  }
  /// The pair of entry e of FactoredSide::keys.
  int64_t pair_of(int64_t entry) const { return pairs_[static_cast<size_t>(entry)]; }

 private:
  void count(const FactoredSide& side, int64_t block, int group);
  void list(const FactoredSide& side, int64_t block, int group);

  int64_t blocks_, groups_;
  std::vector<int64_t> starts_;  // [blocks · groups + 1]
  std::vector<int32_t> tokens_;  // [pairs]
  std::vector<int64_t> pairs_;   // [entries]
};

}  // namespace expertoire
