#include "ffn/peer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace expertoire {
namespace {

constexpr int64_t kTokenBlock = 4;
constexpr float kSqrtHalf = 0.70710678118654752F;

float gelu(float x) { return 0.5F * x * (1.0F + std::erf(x * kSqrtHalf)); }

// Row `index` of a table [rows, width] as f32.
void read_row(const KernelTable& kernels, const TensorView& table, int64_t index, int64_t width,
              float* out) {
  const std::byte* row = table.data + index * width * static_cast<int64_t>(dtype_size(table.dtype));
  const bool aligned = reinterpret_cast<uintptr_t>(row) % alignof(bf16_t) == 0;
  if (table.dtype == DType::kBF16 && aligned) {
    kernels.bf16_to_f32(reinterpret_cast<const bf16_t*>(row), width, out);
  } else if (table.dtype == DType::kF16 && aligned) {
    kernels.f16_to_f32(reinterpret_cast<const uint16_t*>(row), width, out);
  } else {
    read_f32(table, index * width, width, out);
  }
}

// y += a · x. x has whole panels, y has `width` values.
void add_scaled(const KernelTable& kernels, float a, const float* x, int64_t width, float* y) {
  for (int64_t i = 0; i < width; i += kPanelWidth) {
    float* to = y + i;
    kernels.accumulate(x + i, 1, static_cast<int>(std::min<int64_t>(kPanelWidth, width - i)), &a,
                       &to);
  }
}

}  // namespace

int64_t PeerFfn::weight_bytes() const {
  return static_cast<int64_t>(w_.query.data.size() + w_.keys[0].data.size() +
                              w_.keys[1].data.size() + w_.down->bytes + w_.up->bytes);
}

// [T, H, key_dim]
std::vector<float> PeerFfn::normed_queries(Executor& executor, const FfnInput& input) const {
  const int64_t width = w_.query.outputs;
  std::vector<float> queries(static_cast<size_t>(input.tokens * width));
  matmul_store(executor, {&w_.query, input.f32, nullptr, input.tokens}, queries.data(), width);
  for (int64_t t = 0; t < input.tokens; ++t) {
    float* q = queries.data() + t * width;
    for (size_t i = 0; i < w_.mean.size(); ++i) {
      q[i] = (q[i] - w_.mean[i]) * w_.scale[i] + w_.shift[i];
    }
  }
  return queries;
}

void PeerFfn::score_keys(Executor& executor, std::vector<float>& queries,
                         TopKRouting& routing) const {
  const int64_t heads = w_.rule.heads;
  const int64_t keys = w_.rule.keys;
  const int64_t half = w_.keys[0].inputs;
  std::array<MatmulJob, 2> jobs;
  for (size_t side = 0; side < 2; ++side) {
    auto* first = reinterpret_cast<std::byte*>(queries.data() + static_cast<int64_t>(side) * half);
    const Rows rows{Compute::kF32, first, 2 * half, half};
    jobs[side] = {&w_.keys[side], rows, nullptr, routing.tokens * heads};
  }
  matmul(executor, jobs, [&](const Tile& tile) {
    std::array<float*, kMaxPanelRows> to;
    for (int r = 0; r < tile.count; ++r) {
      const int64_t token = (tile.first + r) / heads;
      const int64_t head = (tile.first + r) % heads;
      to[static_cast<size_t>(r)] = routing.logits.data() +
                                   ((token * 2 + tile.job) * heads + head) * keys +
                                   tile.panel * kPanelWidth;
    }
    executor.kernels().store(tile.c, tile.count, tile.width, to.data());
  });
}

void PeerFfn::route(Executor& executor, const FfnInput& input, const LayerEdit* edit,
                    Routing& result) const {
  if (!std::holds_alternative<TopKRouting>(result)) result.emplace<TopKRouting>();
  TopKRouting& routing = std::get<TopKRouting>(result);
  const ProductKeys& rule = w_.rule;
  routing.resize(input.tokens, rule.keys * rule.keys, rule.heads * rule.top_k, false,
                 2 * rule.heads * rule.keys);
  std::vector<float> queries = normed_queries(executor, input);
  score_keys(executor, queries, routing);
  const KernelTable& kernels = executor.kernels();
  if (!kernels.all_finite(routing.logits.data(), static_cast<int64_t>(routing.logits.size()))) {
    throw Error(ErrorCode::kNumeric,
                {fmt::format("routing in layer {}", layer_), "a router logit is NaN or infinite",
                 "finite activations", "the checkpoint may be damaged"});
  }
  const ProductKeySelector selector(rule, edit);
  executor.pool().parallel_for(ceil_div(input.tokens, kTokenBlock), [&](int64_t block, int) {
    const int64_t first = block * kTokenBlock;
    selector.select(kernels, first, std::min(first + kTokenBlock, input.tokens), routing);
  });
}

void PeerFfn::mix(Executor& executor, const FfnInput& input, const Routing& routing_of_any_kind,
                  const LayerEdit* /*edit*/, FfnScratch& /*scratch*/, Rows out) const {
  const TopKRouting& routing = std::get<TopKRouting>(routing_of_any_kind);
  const KernelTable& kernels = executor.kernels();
  const int64_t width = input.f32.length;
  executor.pool().parallel_for(ceil_div(input.tokens, kTokenBlock), [&](int64_t block, int) {
    std::vector<float> row(static_cast<size_t>(round_up(width, kPanelWidth)), 0.0F);
    const int64_t first = block * kTokenBlock * routing.top_k;
    const int64_t last = std::min(first + kTokenBlock * routing.top_k,
                                  input.tokens * static_cast<int64_t>(routing.top_k));
    for (int64_t slot = first; slot < last; ++slot) {
      const float weight = routing.weights[static_cast<size_t>(slot)];
      if (weight == 0.0F) continue;
      const int64_t token = slot / routing.top_k;
      const int32_t expert = routing.selected[static_cast<size_t>(slot)];
      const auto* x = static_cast<const float*>(input.f32.row(token));
      read_row(kernels, *w_.down, expert, width, row.data());
      const float neuron = gelu(kernels.dot(x, row.data(), width));
      read_row(kernels, *w_.up, expert, width, row.data());
      add_scaled(kernels, weight * neuron, row.data(), width, static_cast<float*>(out.row(token)));
    }
  });
}

}  // namespace expertoire
