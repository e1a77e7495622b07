#include "ffn/monet.h"

#include <algorithm>

#include "ffn/monet_weigh.h"

namespace expertoire {
namespace {

constexpr int64_t kTokenBlock = 16;

// Writes one half's row of weighed neurons: slot after slot of the kept keys, then their shares.
class RowWriter {
 public:
  RowWriter(const KernelTable& kernels, const MonetFfn::Weights& weights, const Rows& rows)
      : kernels_(kernels), w_(weights), rows_(rows), values_(depth()) {}

  // `side` gives the keys; `own`: that side's neurons [n, width], or null.
  void write(const MonetWeigher& weigher, int side, const float* own, int64_t token) {
    std::fill(values_.begin(), values_.end(), 0.0F);
    const auto keys = weigher.keys(side);
    float* shares = values_.data() + w_.keys * w_.slot();
    for (size_t e = 0; e < keys.size(); ++e) {
      const float share = weigher.share(side)[e];
      float* slot = values_.data() + keys[e] * w_.slot();
      if (own != nullptr) {
        const float* neurons = own + keys[e] * w_.width;
        for (int64_t i = 0; i < w_.width; ++i) *slot++ = neurons[i] * share;
      }
      std::copy_n(weigher.other(side) + static_cast<int64_t>(e) * w_.width, w_.width, slot);
      shares[keys[e]] = share;
    }
    const int64_t count = static_cast<int64_t>(values_.size());
    if (rows_.compute == Compute::kF32) {
      std::copy_n(values_.data(), count, static_cast<float*>(rows_.row(token)));
    } else {
      kernels_.f32_to_bf16(values_.data(), count, static_cast<bf16_t*>(rows_.row(token)));
    }
  }

 private:
  size_t depth() const { return static_cast<size_t>(round_up(w_.down.front().inputs, 2)); }

  const KernelTable& kernels_;
  const MonetFfn::Weights& w_;
  const Rows& rows_;
  std::vector<float> values_;
};

}  // namespace

int64_t MonetFfn::weight_bytes() const {
  int64_t bytes = static_cast<int64_t>(w_.up.data.size());
  for (const PackedMatrix& half : w_.down) bytes += static_cast<int64_t>(half.data.size());
  return bytes + (w_.router ? w_.router->weight_bytes() : 0);
}

void MonetFfn::route(Executor& executor, const FfnInput& input, const LayerEdit* /*edit*/,
                     Routing& result) const {
  if (!std::holds_alternative<FactoredRouting>(result)) result.emplace<FactoredRouting>();
  w_.router->route(executor, layer_, input, std::get<FactoredRouting>(result));
}

// σ(U x + b) of all keys: [T, sides · n · width] f32.
Rows MonetFfn::activate(Executor& executor, const FfnInput& input, FfnScratch& scratch) const {
  const Rows neurons = scratch.inner.ensure(Compute::kF32, input.tokens, w_.up.outputs);
  const MatmulJob job{&w_.up, input.compute, nullptr, input.tokens};
  matmul(executor, {&job, 1}, [&](const Tile& tile) {
    for (int r = 0; r < tile.count; ++r) {
      const float* c = tile.c + r * kPanelWidth;
      float* out = static_cast<float*>(neurons.row(tile.first + r)) + tile.panel * kPanelWidth;
      for (int i = 0; i < tile.width; ++i) {
        const float positive = std::max(c[i], 0.0F);
        out[i] = positive * positive;
      }
    }
  });
  return neurons;
}

void MonetFfn::mix(Executor& executor, const FfnInput& input, const Routing& result,
                   const LayerEdit* edit, FfnScratch& scratch, Rows out) const {
  const FactoredRouting& routing = std::get<FactoredRouting>(result);
  const Rows neurons = activate(executor, input, scratch);
  std::array<Rows, 2> weighed;
  for (size_t half = 0; half < w_.down.size(); ++half) {
    weighed[half] =
        scratch.weighed[half].ensure(input.compute.compute, input.tokens, w_.down[half].inputs);
  }
  executor.pool().parallel_for(ceil_div(input.tokens, kTokenBlock), [&](int64_t block, int) {
    MonetWeigher weigher(routing, edit, w_.width);
    std::vector<RowWriter> writers;
    for (size_t half = 0; half < w_.down.size(); ++half) {
      writers.emplace_back(executor.kernels(), w_, weighed[half]);
    }
    const int64_t last = std::min((block + 1) * kTokenBlock, input.tokens);
    for (int64_t t = block * kTokenBlock; t < last; ++t) {
      const float* first = static_cast<const float*>(neurons.row(t));
      const float* second = w_.vertical ? first + w_.keys * w_.width : nullptr;
      weigher.weigh(t, {first, second});
      if (w_.vertical) {
        writers[0].write(weigher, 0, first, t);
        writers[1].write(weigher, 1, second, t);
      } else {
        writers[0].write(weigher, 1, nullptr, t);
      }
    }
  });
  for (size_t half = 0; half < w_.down.size(); ++half) {
    const PackedMatrix& down = w_.down[half];
    Rows to = out;
    to.data += static_cast<int64_t>(half) * down.outputs * static_cast<int64_t>(sizeof(float));
    matmul_add(executor, {&down, weighed[half], nullptr, input.tokens}, to);
  }
}

}  // namespace expertoire
