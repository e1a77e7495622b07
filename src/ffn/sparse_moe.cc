#include "ffn/sparse_moe.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "routing/select.h"

namespace expertoire {
namespace {

// Tokens of one task of the down product: their piece of `out` stays in the second-level cache
// while all experts add to it.
constexpr int64_t kTokenBlock = 512;
constexpr int64_t kSelectBlock = 64;

// Positions [begin, end) of the sorted `tokens` whose value lies in [first, last).
std::pair<int64_t, int64_t> slots_of(const std::vector<int32_t>& tokens, int64_t begin, int64_t end,
                                     int64_t first, int64_t last) {
  const auto from = tokens.begin() + begin;
  const auto to = tokens.begin() + end;
  return {std::lower_bound(from, to, first) - tokens.begin(),
          std::lower_bound(from, to, last) - tokens.begin()};
}

}  // namespace

// The tokens of each expert, in token order, with their weights. The shared experts come last, as
// one more expert that gets every token.
struct SparseMoeFfn::Gathered {
  struct Expert {
    const GatedMlp* mlp;
    int64_t begin;  // its slots are [begin, end)
    int64_t end;
  };
  std::vector<Expert> experts;  // only those with tokens
  std::vector<int32_t> tokens;  // [slots]
  std::vector<float> weights;   // [slots]
  int64_t width = 0;            // of the widest expert
};

int64_t SparseMoeFfn::weight_bytes() const {
  int64_t bytes = static_cast<int64_t>(w_.router.data.size() + w_.shared_gate.data.size()) +
                  w_.shared.weight_bytes();
  for (const GatedMlp& expert : w_.experts) bytes += expert.weight_bytes();
  return bytes;
}

void SparseMoeFfn::route(Executor& executor, const FfnInput& input, const LayerEdit* edit,
                         Routing& result) const {
  if (!std::holds_alternative<TopKRouting>(result)) result.emplace<TopKRouting>();
  TopKRouting& routing = std::get<TopKRouting>(result);
  const int num_experts = static_cast<int>(w_.experts.size());
  const KernelTable& kernels = executor.kernels();
  routing.resize(input.tokens, num_experts, w_.rule.top_k, has_shared());
  matmul_store(executor, {&w_.router, input.f32, nullptr, input.tokens}, routing.logits.data(),
               num_experts);
  if (!kernels.all_finite(routing.logits.data(), input.tokens * num_experts)) {
    throw Error(ErrorCode::kNumeric,
                {fmt::format("routing in layer {}", layer_), "a router logit is NaN or infinite",
                 "finite activations", "try --compute f32; the checkpoint may be damaged"});
  }
  if (w_.shared_gate) {
    matmul_store(executor, {&w_.shared_gate, input.f32, nullptr, input.tokens},
                 routing.shared_weights.data(), 1);
    for (float& weight : routing.shared_weights) weight = 1.0F / (1.0F + std::exp(-weight));
  }
  executor.pool().parallel_for(ceil_div(input.tokens, kSelectBlock), [&](int64_t block, int) {
    const int64_t first = block * kSelectBlock;
    select_experts(kernels, w_.rule, edit, first, std::min(first + kSelectBlock, input.tokens),
                   routing);
  });
}

SparseMoeFfn::Gathered SparseMoeFfn::gather(const TopKRouting& routing) const {
  Gathered gathered;
  std::vector<int64_t> next(w_.experts.size() + 1, 0);  // counts, then where each expert begins
  const size_t slots = routing.selected.size();
  for (size_t i = 0; i < slots; ++i) {
    if (routing.weights[i] != 0.0F) ++next[static_cast<size_t>(routing.selected[i]) + 1];
  }
  for (size_t e = 0; e < w_.experts.size(); ++e) {
    if (next[e + 1] > 0) {
      gathered.experts.push_back({&w_.experts[e], next[e], next[e] + next[e + 1]});
    }
    next[e + 1] += next[e];
  }
  gathered.tokens.resize(static_cast<size_t>(next.back()));
  gathered.weights.resize(gathered.tokens.size());
  for (size_t i = 0; i < slots; ++i) {
    if (routing.weights[i] == 0.0F) continue;
    const size_t at = static_cast<size_t>(next[static_cast<size_t>(routing.selected[i])]++);
    gathered.tokens[at] = static_cast<int32_t>(i / static_cast<size_t>(routing.top_k));
    gathered.weights[at] = routing.weights[i];
  }
  if (has_shared()) {
    const int64_t begin = static_cast<int64_t>(gathered.tokens.size());
    gathered.experts.push_back({&w_.shared, begin, begin + routing.tokens});
    for (int64_t t = 0; t < routing.tokens; ++t) gathered.tokens.push_back(static_cast<int32_t>(t));
    gathered.weights.insert(gathered.weights.end(), routing.shared_weights.begin(),
                            routing.shared_weights.end());
  }
  for (const auto& expert : gathered.experts) {
    gathered.width = std::max(gathered.width, expert.mlp->width());
  }
  return gathered;
}

void SparseMoeFfn::mix_up(Executor& executor, const FfnInput& input, const Gathered& gathered,
                          const Rows& inner) const {
  std::vector<MatmulJob> jobs;
  for (const Gathered::Expert& expert : gathered.experts) {
    jobs.push_back({&expert.mlp->gate_up, input.compute, gathered.tokens.data() + expert.begin,
                    expert.end - expert.begin});
  }
  matmul(executor, jobs, [&](const Tile& tile) {
    const Gathered::Expert& expert = gathered.experts[static_cast<size_t>(tile.job)];
    store_gated(executor.kernels(), tile, expert.mlp->width(), inner, expert.begin);
  });
}

// A task owns one panel of outputs for a block of tokens and adds the experts in their order, so
// no two threads write one element and the order of its terms is fixed.
void SparseMoeFfn::mix_down(Executor& executor, const Gathered& gathered, const Rows& inner,
                            int64_t tokens, const Rows& out) const {
  const int64_t panels = gathered.experts.front().mlp->down.panels();
  const int64_t blocks = ceil_div(tokens, kTokenBlock);
  const auto first_panel = [&](int64_t task) {
    return task < 0 ? nullptr : gathered.experts.front().mlp->down.panel(task % panels);
  };
  executor.pool().parallel_for_ahead(panels * blocks, [&](int64_t task, int64_t ahead, int worker) {
    const int64_t panel = task % panels;
    const int64_t first = task / panels * kTokenBlock;
    for (size_t e = 0; e < gathered.experts.size(); ++e) {
      const Gathered::Expert& expert = gathered.experts[e];
      const bool last = e + 1 == gathered.experts.size();
      const std::byte* next =
          last ? first_panel(ahead) : gathered.experts[e + 1].mlp->down.panel(panel);
      const MatmulJob job{&expert.mlp->down, inner, nullptr, 0};
      const auto [begin, end] =
          slots_of(gathered.tokens, expert.begin, expert.end, first, first + kTokenBlock);
      for (int64_t slot = begin; slot < end; slot += kMaxPanelRows) {
        const int count = static_cast<int>(std::min<int64_t>(kMaxPanelRows, end - slot));
        const float* c = panel_product(executor, job, slot, count, panel, next, worker);
        std::array<float*, kMaxPanelRows> rows;
        for (int i = 0; i < count; ++i) {
          float* row = static_cast<float*>(out.row(gathered.tokens[static_cast<size_t>(slot + i)]));
          rows[static_cast<size_t>(i)] = row + panel * kPanelWidth;
        }
        executor.kernels().accumulate(c, count, job.matrix->panel_width(panel),
                                      gathered.weights.data() + slot, rows.data());
      }
    }
  });
}

void SparseMoeFfn::mix(Executor& executor, const FfnInput& input, const Routing& routing,
                       const LayerEdit* /*edit*/, FfnScratch& scratch, Rows out) const {
  const Gathered gathered = gather(std::get<TopKRouting>(routing));
  if (gathered.experts.empty()) return;
  const Rows inner = scratch.inner.ensure(
      input.compute.compute, static_cast<int64_t>(gathered.tokens.size()), gathered.width);
  mix_up(executor, input, gathered, inner);
  mix_down(executor, gathered, inner, input.tokens, out);
}

}  // namespace expertoire
