#include "ffn/monet.h"

#include <algorithm>
#include <array>

#include "ffn/monet_weigh.h"

namespace expertoire {
namespace {

constexpr int64_t kWeighBlock = 16;  // tokens of a task
constexpr int64_t kGroupBlock = 16;  // groups of keys of a task

}  // namespace

// A side's neurons, of the keys that tokens kept.
struct MonetFfn::Side {
  KeyPairs pairs;
  int number;
  float* neurons;  // [pairs, group outputs]
};

// What one half of the outputs is a product of.
struct MonetFfn::Half {
  KeyPairs pairs;  // of single keys
  const PackedMatrix* down;
  std::byte* slots;  // [pairs, slot] in the type of the products

  std::byte* slot(int64_t pair, int64_t width) const {
    return slots + pair * width * static_cast<int64_t>(compute_size(down->compute));
  }
};

KeyGroup KeyGroup::of(int64_t width) {
  if (width < kStripWidth && kStripWidth % width == 0) {
    return {static_cast<int>(kStripWidth / width), 1};
  }
  return {1, static_cast<int>(ceil_div(width, kStripWidth))};
}

int64_t MonetFfn::weight_bytes() const {
  int64_t bytes = w_.up.bytes();
  for (const PackedMatrix& half : w_.down) bytes += static_cast<int64_t>(half.data.size());
  return bytes + (w_.router ? w_.router->weight_bytes() : 0);
}

void MonetFfn::route(Executor& executor, const FfnInput& input, const LayerEdit* /*edit*/,
                     Routing& result) const {
  if (!std::holds_alternative<FactoredRouting>(result)) result.emplace<FactoredRouting>();
  w_.router->route(executor, layer_, input, std::get<FactoredRouting>(result));
}

// σ(U x + b) of a group's tokens in a block.
void MonetFfn::activate_group(const KernelTable& kernels, const FfnInput& input, const Side& side,
                              int64_t block, int64_t group) const {
  std::array<const void*, kMaxPanelRows> rows;
  std::array<float, kMaxPanelRows * kStripWidth> c;
  const std::span<const int32_t> tokens = side.pairs.tokens(block, group);
  float* to = side.neurons + side.pairs.first(block, group) * group_.outputs();
  for (size_t first = 0; first < tokens.size(); first += kMaxPanelRows) {
    const size_t count = std::min<size_t>(kMaxPanelRows, tokens.size() - first);
    for (size_t i = 0; i < count; ++i) rows[i] = input.compute.row(tokens[first + i]);
    for (int s = 0; s < group_.strips; ++s) {
      const int64_t strip = (side.number * side.pairs.groups() + group) * group_.strips + s;
      const std::byte* weights = w_.up.strip(strip);
      if (w_.up.compute() == Compute::kF32) {
        kernels.strip_f32(reinterpret_cast<const float* const*>(rows.data()),
                          static_cast<int>(count), reinterpret_cast<const float*>(weights),
                          w_.up.depth(), c.data());
      } else {
        kernels.strip_bf16(reinterpret_cast<const bf16_t* const*>(rows.data()),
                           static_cast<int>(count), reinterpret_cast<const bf16_t*>(weights),
                           w_.up.depth(), c.data());
      }
      const float* bias = w_.up.bias(strip);
      for (size_t i = 0; i < count; ++i) {
        float* out = to + static_cast<int64_t>(first + i) * group_.outputs() + s * kStripWidth;
        for (int j = 0; j < kStripWidth; ++j) {
          const float positive =
              std::max(c[i * kStripWidth + static_cast<size_t>(j)] + bias[j], 0.0F);
          out[j] = positive * positive;
        }
      }
    }
  }
}

MonetFfn::Side MonetFfn::activate(Executor& executor, const FfnInput& input,
                                  const FactoredRouting& routing, int side,
                                  Scratch<float>& neurons) const {
  KeyPairs pairs(executor.pool(), routing, side, group_.keys);
  float* data = neurons.ensure(pairs.size() * group_.outputs());
  const Side result = {std::move(pairs), side, data};
  const int64_t parts = ceil_div(result.pairs.groups(), kGroupBlock);
  executor.pool().parallel_for(parts * result.pairs.blocks(), [&](int64_t task, int) {
    const int64_t first = task % parts * kGroupBlock;
    const int64_t last = std::min(first + kGroupBlock, result.pairs.groups());
    for (int64_t g = first; g < last; ++g) {
      activate_group(executor.kernels(), input, result, task / parts, g);
    }
  });
  return result;
}

// Fills the slots of all pairs, token by token.
void MonetFfn::weigh(Executor& executor, const FactoredRouting& routing, const LayerEdit* edit,
                     const std::vector<Side>& sides, const std::vector<Half>& halves) const {
  const int64_t slot = w_.slot();
  executor.pool().parallel_for(ceil_div(routing.tokens, kWeighBlock), [&](int64_t block, int) {
    MonetWeigher weigher(routing, edit, w_.width);
    std::array<std::vector<const float*>, 2> neurons;
    std::vector<float> values(static_cast<size_t>(slot));
    const int64_t last = std::min((block + 1) * kWeighBlock, routing.tokens);
    for (int64_t t = block * kWeighBlock; t < last; ++t) {
      for (const Side& side : sides) {
        std::vector<const float*>& of = neurons[static_cast<size_t>(side.number)];
        of.clear();
        int64_t entry =
            routing.sides[static_cast<size_t>(side.number)].begin[static_cast<size_t>(t)];
        for (int32_t key : routing.kept(side.number, t)) {
          of.push_back(side.neurons + side.pairs.pair_of(entry++) * group_.outputs() +
                       key % group_.keys * w_.width);
        }
      }
      weigher.weigh(t, {neurons[0], neurons[1]});
      for (size_t h = 0; h < halves.size(); ++h) {
        const int side = w_.down_side(h);
        const auto& own = neurons[static_cast<size_t>(side)];
        int64_t entry = routing.sides[static_cast<size_t>(side)].begin[static_cast<size_t>(t)];
        for (size_t e = 0; e < weigher.keys(side).size(); ++e, ++entry) {
          const float share = weigher.share(side)[e];
          float* to = values.data();
          if (w_.vertical) {
            for (int64_t i = 0; i < w_.width; ++i) *to++ = own[e][i] * share;
          }
          to = std::copy_n(weigher.other(side) + static_cast<int64_t>(e) * w_.width, w_.width, to);
          *to = share;
          std::byte* row = halves[h].slot(halves[h].pairs.pair_of(entry), slot);
          if (halves[h].down->compute == Compute::kF32) {
            std::copy_n(values.data(), slot, reinterpret_cast<float*>(row));
          } else {
            executor.kernels().f32_to_bf16(values.data(), slot, reinterpret_cast<bf16_t*>(row));
          }
        }
      }
    }
  });
}

// A task owns one panel of outputs for a block of tokens and adds the keys in their order.
void MonetFfn::add_down(Executor& executor, const Half& half, const Rows& out) const {
  const KernelTable& kernels = executor.kernels();
  const PackedMatrix& down = *half.down;
  const int64_t slot = w_.slot();
  const int64_t slot_bytes = slot * kPanelWidth * static_cast<int64_t>(compute_size(down.compute));
  executor.pool().parallel_for(down.panels() * half.pairs.blocks(), [&](int64_t task, int worker) {
    const int64_t panel = task % down.panels();
    const int64_t block = task / down.panels();
    float* c = executor.tile(worker);
    std::array<const void*, kMaxPanelRows> rows;
    std::array<float*, kMaxPanelRows> to;
    for (int64_t key = 0; key < w_.keys; ++key) {
      const std::span<const int32_t> tokens = half.pairs.tokens(block, key);
      const std::byte* weights = down.panel(panel) + key * slot_bytes;
      for (size_t first = 0; first < tokens.size(); first += kMaxPanelRows) {
        const size_t count = std::min<size_t>(kMaxPanelRows, tokens.size() - first);
        const int64_t pair = half.pairs.first(block, key) + static_cast<int64_t>(first);
        for (size_t i = 0; i < count; ++i) {
          rows[i] = half.slot(pair + static_cast<int64_t>(i), slot);
          to[i] = static_cast<float*>(out.row(tokens[first + i])) + panel * kPanelWidth;
        }
        const int m = static_cast<int>(count);
        if (down.compute == Compute::kF32) {
          kernels.panel_f32(reinterpret_cast<const float* const*>(rows.data()), m,
                            reinterpret_cast<const float*>(weights), slot, nullptr, c);
        } else {
          kernels.panel_bf16(reinterpret_cast<const bf16_t* const*>(rows.data()), m,
                             reinterpret_cast<const bf16_t*>(weights), slot, nullptr, c);
        }
        kernels.accumulate(c, m, down.panel_width(panel), nullptr, to.data());
      }
    }
  });
}

void MonetFfn::mix(Executor& executor, const FfnInput& input, const Routing& result,
                   const LayerEdit* edit, FfnScratch& scratch, Rows out) const {
  const FactoredRouting& routing = std::get<FactoredRouting>(result);
  std::vector<Side> sides;
  for (int s = 0; s < (w_.vertical ? 2 : 1); ++s) {
    sides.push_back(activate(executor, input, routing, s, scratch.neurons[static_cast<size_t>(s)]));
  }
  std::vector<Half> halves;
  for (size_t h = 0; h < w_.down.size(); ++h) {
    KeyPairs pairs(executor.pool(), routing, w_.down_side(h), 1);
    const PackedMatrix& down = w_.down[h];
    std::byte* slots = scratch.weighed[h].ensure(pairs.size() * w_.slot() *
                                                 static_cast<int64_t>(compute_size(down.compute)));
    halves.push_back({std::move(pairs), &down, slots});
  }
  weigh(executor, routing, edit, sides, halves);
  for (size_t h = 0; h < halves.size(); ++h) {
    Rows to = out;
    to.data += static_cast<int64_t>(h) * w_.down[h].outputs * static_cast<int64_t>(sizeof(float));
    add_down(executor, halves[h], to);
  }
}

}  // namespace expertoire
