#include "ffn/monet_pairs.h"

#include <algorithm>

#include "base/checked.h"

namespace expertoire {
namespace {

// body(token, entry, group, whether the token had the group before) for each entry of a block.
template <class Body>
void for_entries(const FactoredSide& side, int64_t block, int group, const Body& body) {
  const int64_t tokens = static_cast<int64_t>(side.begin.size()) - 1;
  const int64_t last = std::min((block + 1) * KeyPairs::kPairBlock, tokens);
  for (int64_t t = block * KeyPairs::kPairBlock; t < last; ++t) {
    int64_t before = -1;
    for (int64_t e = side.begin[static_cast<size_t>(t)]; e < side.begin[static_cast<size_t>(t) + 1];
         ++e) {
      const int64_t here = side.keys[static_cast<size_t>(e)] / group;
      body(t, e, here, here == before);
      before = here;
    }
  }
}

}  // namespace

KeyPairs::KeyPairs(ThreadPool& pool, const FactoredRouting& routing, int side, int group)
    : blocks_(ceil_div(routing.tokens, kPairBlock)), groups_(ceil_div(routing.keys, group)) {
  const FactoredSide& from = routing.sides[static_cast<size_t>(side)];
  starts_.assign(static_cast<size_t>(blocks_ * groups_) + 1, 0);
  pairs_.resize(from.keys.size());
  pool.parallel_for(blocks_, [&](int64_t block, int) { count(from, block, group); });
  for (size_t i = 1; i < starts_.size(); ++i) starts_[i] += starts_[i - 1];
  tokens_.resize(static_cast<size_t>(starts_.back()));
  pool.parallel_for(blocks_, [&](int64_t block, int) { list(from, block, group); });
}

void KeyPairs::count(const FactoredSide& side, int64_t block, int group) {
  int64_t* counts = starts_.data() + block * groups_ + 1;
  for_entries(side, block, group,
              [&](int64_t, int64_t, int64_t here, bool again) { counts[here] += again ? 0 : 1; });
}

void KeyPairs::list(const FactoredSide& side, int64_t block, int group) {
  const int64_t* starts = starts_.data() + block * groups_;
  std::vector<int64_t> next(starts, starts + groups_);
  for_entries(side, block, group, [&](int64_t token, int64_t entry, int64_t here, bool again) {
    int64_t& at = next[static_cast<size_t>(here)];
    if (!again) tokens_[static_cast<size_t>(at++)] = static_cast<int32_t>(token);
    pairs_[static_cast<size_t>(entry)] = at - 1;
  });
}

}  // namespace expertoire
