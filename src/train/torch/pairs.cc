#include "train/torch/pairs.h"

#include <ATen/Parallel.h>

#include <algorithm>

namespace expertoire::train {

PairLists list_pairs(const EntryView& entries) {
  const int64_t blocks = pair_blocks(entries.tokens);
  const int64_t n = entries.heads_apart ? entries.heads * entries.n : entries.n;
  PairLists lists;
  lists.blocks = blocks;
  lists.starts = at::zeros({blocks * n + 1}, at::kLong);
  auto* starts = lists.starts.mutable_data_ptr<int64_t>();
  at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) count_pairs(entries, block, starts);
  });
  for (int64_t i = 0; i < blocks * n; ++i) starts[i + 1] += starts[i];
  lists.tokens = at::empty({starts[blocks * n]}, at::kInt);
  lists.pairs = at::empty({entries.offsets[entries.tokens * entries.heads]}, at::kLong);
  auto* tokens = lists.tokens.mutable_data_ptr<int32_t>();
  auto* pairs = lists.pairs.mutable_data_ptr<int64_t>();
  at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      fill_pairs(entries, block, starts, tokens, pairs);
    }
  });
  return lists;
}

void for_blocks(int64_t tokens, const std::function<void(int64_t, int64_t, int64_t)>& body) {
  at::parallel_for(0, pair_blocks(tokens), 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      body(block, block * kPairBlock, std::min(tokens, (block + 1) * kPairBlock));
    }
  });
}

void for_keys(int64_t n, const std::function<void(int64_t)>& body) {
  at::parallel_for(0, n, 8, [&](int64_t begin, int64_t end) {
    for (int64_t key = begin; key < end; ++key) body(key);
  });
}

}  // namespace expertoire::train
