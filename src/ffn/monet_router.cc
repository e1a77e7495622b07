#include "ffn/monet_router.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

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
  std::vector<float> normalized;  // [n]
  std::vector<int32_t> head_keys;
  std::vector<float> head_scores;
  std::vector<float> g;        // [n, H]
  std::vector<uint8_t> marks;  // [n]
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
  float* normalized = kept.normalized.data();
  for (int i = 0; i < keys_; ++i) normalized[i] = (z[i] - mean[i]) * inverse[i];
  const float limit = std::min(kernels.max(normalized, keys_), threshold_);
  kept.head_keys.clear();
  kept.head_scores.clear();
  for (int i = 0; i < keys_; ++i) {
    if (normalized[i] < limit) continue;
    kept.head_keys.push_back(i);
    kept.head_scores.push_back(z[i]);
  }
  float* scores = kept.head_scores.data();
  const int64_t count = static_cast<int64_t>(kept.head_keys.size());
  const float sum = kernels.exp_sum(scores, kernels.max(scores, count), count, scores);
  for (int64_t e = 0; e < count; ++e) {
    const size_t key = static_cast<size_t>(kept.head_keys[static_cast<size_t>(e)]);
    kept.marks[key] = 1;
    kept.g[key * static_cast<size_t>(heads_) + static_cast<size_t>(head)] = scores[e] / sum;
  }
  return static_cast<int>(count);
}

void MonetRouter::keep(const KernelTable& kernels, int64_t first, int64_t last, FactoredSide& side,
                       Kept& kept) const {
  const size_t heads = static_cast<size_t>(heads_);
  kept.normalized.resize(static_cast<size_t>(keys_));
  kept.g.assign(static_cast<size_t>(keys_) * heads, 0.0F);
  kept.marks.assign(static_cast<size_t>(keys_), 0);
  for (int64_t t = first; t < last; ++t) {
    for (int h = 0; h < heads_; ++h) {
      side.active[static_cast<size_t>(t * heads_ + h)] = keep_head(kernels, side, t, h, kept);
    }
    const size_t before = kept.keys.size();
    for (size_t i = 0; i < kept.marks.size(); ++i) {
      if (kept.marks[i] == 0) continue;
      const auto g = kept.g.begin() + static_cast<std::ptrdiff_t>(i * heads);
      kept.keys.push_back(static_cast<int32_t>(i));
      kept.scores.insert(kept.scores.end(), g, g + heads_);
      std::fill_n(g, heads_, 0.0F);
      kept.marks[i] = 0;
    }
    kept.counts.push_back(static_cast<int64_t>(kept.keys.size() - before));
  }
}

void MonetRouter::route_side(Executor& executor, int layer, const FfnInput& input, const Side& side,
                             FactoredSide& out) const {
  const int64_t tokens = input.tokens;
  const int64_t width = int64_t{heads_} * keys_;
  const KernelTable& kernels = executor.kernels();
  out.logits.resize(static_cast<size_t>(tokens * width));
  matmul_store(executor, {&side.weight, input.compute, nullptr, tokens}, out.logits.data(), width);
  if (!kernels.all_finite(out.logits.data(), tokens * width)) {
    throw Error(ErrorCode::kNumeric,
                {fmt::format("routing in layer {}", layer), "a router logit is NaN or infinite",
                 "finite activations", "try --compute f32; the checkpoint may be damaged"});
  }
  out.mean = side.mean;
  out.inverse = side.inverse;
  out.active.resize(static_cast<size_t>(tokens * heads_));
  std::vector<Kept> blocks(static_cast<size_t>(ceil_div(tokens, kTokenBlock)));
  executor.pool().parallel_for(static_cast<int64_t>(blocks.size()), [&](int64_t block, int) {
    const int64_t first = block * kTokenBlock;
    keep(kernels, first, std::min(first + kTokenBlock, tokens), out,
         blocks[static_cast<size_t>(block)]);
  });
  out.begin.assign(1, 0);
  out.keys.clear();
  out.scores.clear();
  for (const Kept& block : blocks) {
    out.keys.insert(out.keys.end(), block.keys.begin(), block.keys.end());
    out.scores.insert(out.scores.end(), block.scores.begin(), block.scores.end());
    for (int64_t count : block.counts) out.begin.push_back(out.begin.back() + count);
  }
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
