#include "train/key_pairs.h"

#include <algorithm>
#include <vector>

namespace expertoire::train {
namespace {

// Calls body(token, entry, key, is_new) in order; is_new: the token's first entry of that key.
template <class Body>
void for_entries(const EntryView& entries, int64_t block, Body body) {
  const int64_t n = entries.heads_apart ? entries.n * entries.heads : entries.n;
  std::vector<int64_t> last(static_cast<size_t>(n), -1);
  const int64_t end = std::min(entries.tokens, (block + 1) * kPairBlock);
  for (int64_t token = block * kPairBlock; token < end; ++token) {
    for (int64_t h = 0; h < entries.heads; ++h) {
      const int64_t row = token * entries.heads + h;
      const int64_t base = entries.heads_apart ? h * entries.n : 0;
      for (int64_t e = entries.offsets[row]; e < entries.offsets[row + 1]; ++e) {
        const int64_t key = base + entries.keys[e];
        int64_t& seen = last[static_cast<size_t>(key)];
        body(token, e, key, seen != token);
        seen = token;
      }
    }
  }
}

}  // namespace

void count_pairs(const EntryView& entries, int64_t block, int64_t* starts) {
  const int64_t n = entries.heads_apart ? entries.n * entries.heads : entries.n;
  int64_t* counts = starts + block * n + 1;
  for_entries(entries, block,
              [&](int64_t, int64_t, int64_t key, bool is_new) { counts[key] += is_new ? 1 : 0; });
}

void fill_pairs(const EntryView& entries, int64_t block, const int64_t* starts, int32_t* tokens,
                int64_t* pair_of_entry) {
  const int64_t n = entries.heads_apart ? entries.n * entries.heads : entries.n;
  std::vector<int64_t> next(starts + block * n, starts + (block + 1) * n);
  for_entries(entries, block, [&](int64_t token, int64_t e, int64_t key, bool is_new) {
    int64_t& place = next[static_cast<size_t>(key)];
    if (is_new) tokens[place++] = static_cast<int32_t>(token);
    pair_of_entry[e] = place - 1;
  });
}

}  // namespace expertoire::train
