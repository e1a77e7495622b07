#include "ffn/gated_mlp.h"

#include <algorithm>
#include <array>

namespace expertoire {
namespace {

constexpr int kHalfPanel = kPanelWidth / 2;

template <class T>
std::array<T*, kMaxPanelRows> inner_rows(const Tile& tile, const Rows& inner, int64_t first) {
  std::array<T*, kMaxPanelRows> rows;
  for (int i = 0; i < tile.count; ++i) {
    rows[static_cast<size_t>(i)] =
        static_cast<T*>(inner.row(first + tile.first + i)) + tile.panel * kHalfPanel;
  }
  return rows;
}

}  // namespace

void store_gated(const KernelTable& kernels, const Tile& tile, int64_t width, const Rows& inner,
                 int64_t first) {
  const int count =
      static_cast<int>(std::min<int64_t>(kHalfPanel, width - tile.panel * kHalfPanel));
  if (inner.compute == Compute::kF32) {
    kernels.silu_mul_f32(tile.c, tile.count, count, inner_rows<float>(tile, inner, first).data());
    return;
  }
  const auto rows = inner_rows<bf16_t>(tile, inner, first);
  kernels.silu_mul_bf16(tile.c, tile.count, count, rows.data());
  const bool last = (tile.panel + 1) * kHalfPanel >= width;
  if (last && width % 2 != 0) {  // the zero that pads an odd depth
    for (int i = 0; i < tile.count; ++i) rows[static_cast<size_t>(i)][count] = 0;
  }
}

void DenseFfn::mix(Executor& executor, const FfnInput& input, const Routing& /*routing*/,
                   const LayerEdit* /*edit*/, FfnScratch& scratch, Rows out) const {
  const Rows inner = scratch.inner.ensure(input.compute.compute, input.tokens, mlp_.width());
  const MatmulJob up{&mlp_.gate_up, input.compute, nullptr, input.tokens};
  matmul(executor, {&up, 1},
         [&](const Tile& tile) { store_gated(executor.kernels(), tile, mlp_.width(), inner, 0); });
  matmul_add(executor, {&mlp_.down, inner, nullptr, input.tokens}, out);
}

}  // namespace expertoire
