// Lists of key_pairs.h as tensors, and loops over them on libtorch's threads.
#pragma once

#include <functional>

#include "train/key_pairs.h"
#include "train/torch/tensor.h"

namespace expertoire::train {

struct PairLists {
  Tensor starts, tokens, pairs;

  PairView view() const {
    const int64_t n = (starts.size(0) - 1) / blocks;
    return {starts.const_data_ptr<int64_t>(), tokens.const_data_ptr<int32_t>(), blocks, n};
  }
  int64_t blocks = 0;
};

/// The pairs of all tokens of `entries`.
PairLists list_pairs(const EntryView& entries);

/// Calls body(block, first token, last token) for all blocks.
void for_blocks(int64_t tokens, const std::function<void(int64_t, int64_t, int64_t)>& body);
/// Calls body(key) for all keys.
void for_keys(int64_t n, const std::function<void(int64_t)>& body);

}  // namespace expertoire::train
