// A SwiGLU block, down(silu(gate x) · (up x)): the dense layers, and every expert.
#pragma once

#include "ffn/ffn.h"
#include "tensor/matmul.h"

namespace expertoire {

struct GatedMlp {
  PackedMatrix gate_up;  ///< gate and up in turns of 32 outputs (interleave_gate_up)
  PackedMatrix down;     ///< [hidden_size, width]

  int64_t width() const { return down.inputs; }
  int64_t weight_bytes() const {
    return static_cast<int64_t>(gate_up.data.size() + down.data.size());
  }
};

/// inner[first + i] = silu(gate x) · (up x) for the rows of a gate_up tile. `width`: neurons.
void store_gated(const KernelTable& kernels, const Tile& tile, int64_t width, const Rows& inner,
                 int64_t first);

/// A layer of one such block for every token.
class DenseFfn final : public Ffn {
 public:
  explicit DenseFfn(GatedMlp mlp) : mlp_(std::move(mlp)) {}
  void mix(Executor& executor, const FfnInput& input, const Routing& routing, const LayerEdit* edit,
           FfnScratch& scratch, Rows out) const override;
  int64_t weight_bytes() const override { return mlp_.weight_bytes(); }

 private:
  GatedMlp mlp_;
};

}  // namespace expertoire
