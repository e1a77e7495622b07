#include "ffn/monet_router.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "base/error.h"
#include "base/normal_quantile.h"

namespace expertoire {
namespace {

constexpr int64_t kTokenBlock = 16;

}  // namespace

// What a block of tokens keeps of one side, until the blocks are joined.
struct MonetRouter::Kept {
  std::vector<int32_t> keys;
  std::vector<float> scores;    // [keys, H]
  std::vector<int64_t> counts;  // a token's keys
  // Of the token at hand:
  std::vector<int32_t> head_keys;  // [n], as far as the head keeps them
  std::vector<float> head_scores;  // [n], likewise
  std::vector<float> g;            // [n, H]
  std::vector<uint64_t> marks;     // a bit for each key that a head keeps
};

MonetRouter::MonetRouter(int heads, int keys, int top_k, std::array<Side, 2> sides)
    : heads_(heads),
      keys_(keys),
      threshold_(static_cast<float>(
          normal_quantile(1.0 - static_cast<double>(top_k) / static_cast<double>(keys)))),
      sides_(std::move(sides)) {}

int64_t MonetRouter::weight_bytes() const {
  return static_cast<int64_t>(sides_[0].weight.data.size() + sides_[1].weight.data.size());
}

// Adds what one head keeps to the token's keys; returns how many.
int MonetRouter::keep_head(const KernelTable& kernels, const FactoredSide& side, int64_t token,
                           int head, Kept& kept) const {
  const float* z = side.logits.data() + (token * heads_ + head) * keys_;
  const float* mean = side.mean.data() + int64_t{head} * keys_;
  const float* inverse = side.inverse.data() + int64_t{head} * keys_;
  float* scores = kept.head_scores.data();
  const int64_t count =
      kernels.keep(z, mean, inverse, threshold_, keys_, kept.head_keys.data(), scores);
  const float sum = kernels.exp_sum(scores, kernels.max(scores, count), count, scores);
  for (int64_t e = 0; e < count; ++e) {
    const size_t key = static_cast<size_t>(kept.head_keys[static_cast<size_t>(e)]);
    kept.marks[key / 64] |= uint64_t{1} << key % 64;
    kept.g[key * static_cast<size_t>(heads_) + static_cast<size_t>(head)] = scores[e] / sum;
  }
  return static_cast<int>(count);
}

// Moves the token's keys behind those of the block, and clears what held them.
void MonetRouter::take_token(Kept& kept) const {
  const size_t before = kept.keys.size();
  for (size_t word = 0; word < kept.marks.size(); ++word) {
    for (uint64_t bits = std::exchange(kept.marks[word], 0); bits != 0; bits &= bits - 1) {
      const int64_t key = static_cast<int64_t>(word) * 64 + std::countr_zero(bits);
      const auto g = kept.g.begin() + key * heads_;
      kept.keys.push_back(static_cast<int32_t>(key));
      kept.scores.insert(kept.scores.end(), g, g + heads_);
      std::fill_n(g, heads_, 0.0F);
    }
  }
  kept.counts.push_back(static_cast<int64_t>(kept.keys.size() - before));
}

void MonetRouter::keep(const KernelTable& kernels, int64_t first, int64_t last, FactoredSide& side,
                       Kept& kept) const {
  const size_t keys = static_cast<size_t>(keys_);
  kept.head_keys.resize(keys);
  kept.head_scores.resize(keys);
  kept.g.assign(keys * static_cast<size_t>(heads_), 0.0F);
  kept.marks.assign(static_cast<size_t>(ceil_div(keys_, 64)), 0);
  for (int64_t t = first; t < last; ++t) {
    for (int h = 0; h < heads_; ++h) {
      side.active[static_cast<size_t>(t * heads_ + h)] = keep_head(kernels, side, t, h, kept);
    }
    take_token(kept);
  }
}

void MonetRouter::route_side(Executor& executor, int layer, const FfnInput& input, const Side& side,
                             FactoredSide& out) const {
  const int64_t tokens = input.tokens;
  const int64_t width = int64_t{heads_} * keys_;
  const KernelTable& kernels = executor.kernels();
  out.logits.resize(static_cast<size_t>(tokens * width));
  matmul_store(executor, {&side.weight, input.compute, nullptr, tokens}, out.logits.data(), width);
  out.mean = side.mean;
  out.inverse = side.inverse;
  out.active.resize(static_cast<size_t>(tokens * heads_));
  std::vector<Kept> blocks(static_cast<size_t>(ceil_div(tokens, kTokenBlock)));
  executor.pool().parallel_for(static_cast<int64_t>(blocks.size()), [&](int64_t block, int) {
    const int64_t first = block * kTokenBlock;
    const int64_t last = std::min(first + kTokenBlock, tokens);
    if (!kernels.all_finite(out.logits.data() + first * width, (last - first) * width)) {
      throw Error(ErrorCode::kNumeric,
                  {fmt::format("routing in layer {}", layer), "a router logit is NaN or infinite",
                   "finite activations", "try --compute f32; the checkpoint may be damaged"});
    }
    keep(kernels, first, last, out, blocks[static_cast<size_t>(block)]);
  });
  join(executor, blocks, out);
}

void MonetRouter::join(Executor& executor, const std::vector<Kept>& blocks,
                       FactoredSide& out) const {
  out.begin.assign(1, 0);
  for (const Kept& block : blocks) {
    for (int64_t count : block.counts) out.begin.push_back(out.begin.back() + count);
  }
  out.keys.resize(static_cast<size_t>(out.begin.back()));
  out.scores.resize(out.keys.size() * static_cast<size_t>(heads_));
  executor.pool().parallel_for(static_cast<int64_t>(blocks.size()), [&](int64_t block, int) {
    const Kept& kept = blocks[static_cast<size_t>(block)];
    const int64_t first = out.begin[static_cast<size_t>(block * kTokenBlock)];
    std::ranges::copy(kept.keys, out.keys.begin() + first);
    std::ranges::copy(kept.scores, out.scores.begin() + first * heads_);
  });
}

void MonetRouter::route(Executor& executor, int layer, const FfnInput& input,
                        FactoredRouting& routing) const {
  routing.tokens = input.tokens;
  routing.heads = heads_;
  routing.keys = keys_;
  for (size_t s = 0; s < 2; ++s) {
    route_side(executor, layer, input, sides_[s], routing.sides[s]);
  }
}

}  // namespace expertoire
