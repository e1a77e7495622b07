#include "ffn/monet_pairs.h"

namespace expertoire {

// A counting sort: begin_[key + 1] first counts, then says where the key's next pair goes.
void MonetPairs::list(const FactoredRouting& routing, int side, int64_t first, int64_t last) {
  const size_t keys = static_cast<size_t>(routing.keys);
  begin_.assign(keys + 2, 0);
  int32_t* next = begin_.data() + 1;
  entries_.clear();
  int32_t pairs = 0;
  for (int64_t t = first; t < last; ++t) {
    entries_.push_back(pairs);
    for (const int32_t key : routing.kept(side, t)) {
      ++next[key + 1];
      ++pairs;
    }
  }
  keys_.clear();
  for (size_t key = 0; key < keys; ++key) {
    if (next[key + 1] > 0) keys_.push_back(static_cast<int32_t>(key));
    next[key + 1] += next[key];
  }
  tokens_.resize(static_cast<size_t>(pairs));
  of_entry_.resize(static_cast<size_t>(pairs));
  size_t entry = 0;
  for (int64_t t = first; t < last; ++t) {
    for (const int32_t key : routing.kept(side, t)) {
      const int32_t pair = next[key]++;
      tokens_[static_cast<size_t>(pair)] = static_cast<int32_t>(t - first);
      of_entry_[entry++] = pair;
    }
  }
}

std::span<const int32_t> MonetPairs::tokens(int64_t key) const {
  return std::span(tokens_).subspan(static_cast<size_t>(begin(key)),
                                    static_cast<size_t>(begin(key + 1) - begin(key)));
}

const int32_t* MonetPairs::of_entries(int64_t token) const {
  return of_entry_.data() + entries_[static_cast<size_t>(token)];
}

}  // namespace expertoire
