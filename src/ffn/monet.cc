#include "ffn/monet.h"

#include <algorithm>

#include "ffn/monet_products.h"
#include "ffn/monet_weigh.h"

namespace expertoire {
namespace {

constexpr int64_t kStripsPerTask = 8;
constexpr int64_t kTokensPerTask = 16;

// Writes the slots of a token's kept keys: what `down` multiplies.
class SlotWriter {
 public:
  SlotWriter(const KernelTable& kernels, const MonetFfn::Weights& weights, Compute compute)
      : kernels_(kernels),
        w_(weights),
        compute_(compute),
        values_(static_cast<size_t>(weights.slot())) {}

  // `own`: the neurons of that side, or none; `pairs`: of the side's entries.
  void write(const MonetWeigher& weigher, int side, const KeptNeurons& own, const int32_t* pairs,
             std::byte* slots) {
    const int64_t count = w_.slot();
    const int64_t bytes = count * static_cast<int64_t>(compute_size(compute_));
    for (size_t e = 0; e < weigher.keys(side).size(); ++e) {
      fill(weigher, side, own, e);
      std::byte* to = slots + pairs[e] * bytes;
      if (compute_ == Compute::kF32) {
        std::copy_n(values_.data(), count, reinterpret_cast<float*>(to));
      } else {
        kernels_.f32_to_bf16(values_.data(), count, reinterpret_cast<bf16_t*>(to));
      }
    }
  }

 private:
  void fill(const MonetWeigher& weigher, int side, const KeptNeurons& own, size_t entry) {
    const float share = weigher.share(side)[entry];
    float* value = values_.data();
    if (own.rows != nullptr) {
      const float* neurons = own.rows + own.index[entry] * w_.width;
      for (int64_t i = 0; i < w_.width; ++i) *value++ = neurons[i] * share;
    }
    const float* other = weigher.other(side) + static_cast<int64_t>(entry) * w_.width;
    for (int64_t i = 0; i < w_.width; ++i) *value++ = other[i];
    *value = share;
  }

  const KernelTable& kernels_;
  const MonetFfn::Weights& w_;
  Compute compute_;
  std::vector<float> values_;  // the last one stays 0 where the slot is padded
};

}  // namespace

int64_t MonetFfn::weight_bytes() const {
  int64_t bytes = w_.router ? w_.router->weight_bytes() : 0;
  for (const StripMatrix& side : w_.up) bytes += static_cast<int64_t>(side.data.size());
  for (const PackedMatrix& half : w_.down) bytes += static_cast<int64_t>(half.data.size());
  return bytes;
}

void MonetFfn::route(Executor& executor, const FfnInput& input, const LayerEdit* /*edit*/,
                     Routing& result) const {
  if (!std::holds_alternative<FactoredRouting>(result)) result.emplace<FactoredRouting>();
  w_.router->route(executor, layer_, input, std::get<FactoredRouting>(result));
}

// The pairs of each block and side, and room for what is computed for them.
void MonetFfn::list(Executor& executor, const FfnInput& input, const FactoredRouting& routing,
                    Blocks blocks) const {
  const int64_t slot_bytes = w_.slot() * static_cast<int64_t>(compute_size(input.compute.compute));
  executor.pool().parallel_for(static_cast<int64_t>(2 * blocks.size()), [&](int64_t task, int) {
    MonetBlock& block = blocks[static_cast<size_t>(task / 2)];
    const size_t side = static_cast<size_t>(task % 2);
    MonetPairs& pairs = block.pairs[side];
    pairs.list(routing, static_cast<int>(side), block.first, block.last);
    block.neurons[side].ensure(pairs.count() * w_.width);
    block.values[side].ensure(pairs.count() * slot_bytes);
  });
}

// σ(U x + b) of all pairs.
void MonetFfn::activate(Executor& executor, const FfnInput& input, Blocks blocks) const {
  const int64_t count = static_cast<int64_t>(blocks.size());
  for (size_t side = 0; side < w_.up.size(); ++side) {
    const StripMatrix& up = w_.up[side];
    const int64_t tasks = ceil_div(up.strips(), kStripsPerTask);
    executor.pool().parallel_for(tasks * count, [&](int64_t task, int) {
      MonetBlock& block = blocks[static_cast<size_t>(task % count)];
      const int64_t first = task / count * kStripsPerTask;
      const int64_t last = std::min(first + kStripsPerTask, up.strips());
      for (int64_t strip = first; strip < last; ++strip) {
        activate_strip(executor.kernels(), up, strip, w_.width, input.compute, block, side);
      }
    });
  }
}

void MonetFfn::weigh(Executor& executor, const FfnInput& input, const FactoredRouting& routing,
                     const LayerEdit* edit, Blocks blocks) const {
  const int64_t tasks = kMonetBlock / kTokensPerTask;
  const int64_t count = static_cast<int64_t>(blocks.size());
  executor.pool().parallel_for(tasks * count, [&](int64_t task, int) {
    MonetBlock& block = blocks[static_cast<size_t>(task / tasks)];
    const int64_t first = block.first + task % tasks * kTokensPerTask;
    const int64_t last = std::min(first + kTokensPerTask, block.last);
    if (first >= last) return;
    MonetWeigher weigher(routing, edit, w_.width);
    SlotWriter writer(executor.kernels(), w_, input.compute.compute);
    for (int64_t t = first; t < last; ++t) {
      std::array<KeptNeurons, 2> neurons;
      for (size_t side = 0; side < w_.up.size(); ++side) {
        neurons[side] = {block.neurons[side].data(), block.pairs[side].of_entries(t - block.first)};
      }
      weigher.weigh(t, neurons);
      for (size_t half = 0; half < w_.down.size(); ++half) {
        const size_t side = static_cast<size_t>(w_.side_of(half));
        writer.write(weigher, static_cast<int>(side), neurons[side],
                     block.pairs[side].of_entries(t - block.first), block.values[side].data());
      }
    }
  });
}

// out += what the slots add up to, panel by panel.
void MonetFfn::project(Executor& executor, Blocks blocks, const Rows& out) const {
  const int64_t count = static_cast<int64_t>(blocks.size());
  for (size_t half = 0; half < w_.down.size(); ++half) {
    const PackedMatrix& down = w_.down[half];
    const size_t side = static_cast<size_t>(w_.side_of(half));
    Rows to = out;
    to.data += static_cast<int64_t>(half) * down.outputs * static_cast<int64_t>(sizeof(float));
    executor.pool().parallel_for(down.panels() * count, [&](int64_t task, int worker) {
      const MonetBlock& block = blocks[static_cast<size_t>(task % count)];
      add_panel(executor.kernels(), {down, task / count, w_.slot()}, block, side,
                executor.tile(worker), to);
    });
  }
}

void MonetFfn::mix(Executor& executor, const FfnInput& input, const Routing& result,
                   const LayerEdit* edit, FfnScratch& scratch, Rows out) const {
  const FactoredRouting& routing = std::get<FactoredRouting>(result);
  const int64_t round = executor.pool().threads() * kMonetBlock;
  for (int64_t first = 0; first < input.tokens; first += round) {
    const int64_t last = std::min(first + round, input.tokens);
    const size_t count = static_cast<size_t>(ceil_div(last - first, kMonetBlock));
    if (scratch.blocks.size() < count) scratch.blocks.resize(count);
    for (size_t b = 0; b < count; ++b) {
      MonetBlock& block = scratch.blocks[b];
      block.first = first + static_cast<int64_t>(b) * kMonetBlock;
      block.last = std::min(block.first + kMonetBlock, last);
    }
    const Blocks blocks(scratch.blocks.data(), count);
    list(executor, input, routing, blocks);
    activate(executor, input, blocks);
    weigh(executor, input, routing, edit, blocks);
    project(executor, blocks, out);
  }
}

}  // namespace expertoire
