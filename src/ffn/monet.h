// Monet's expert layer: n² experts a layer, each composed of two halves out of n (arXiv
// 2412.04139).
//   horizontal (HD, eq. 6, 12): E_ij(x) = V_j σ(U_i x + b1_i) + b_j
//   vertical (VD, eq. 13, 15):  E_ij(x) = [V11_i σ1_i + V12_i σ2_j + b1_i ; V21_j σ1_i + V22_j σ2_j
//                               + b2_j], σ1_i = σ(U1_i x + b11_i), σ2_j = σ(U2_j x + b21_j)
// with σ = relu². Joint experts are never expanded: what is computed is sums over single keys, and
// of those only the ones that some head kept, pair by pair of a key and a token (monet_pairs.h).
#pragma once

#include <optional>

#include "ffn/monet_router.h"
#include "tensor/strip_matrix.h"

namespace expertoire {

class MonetFfn final : public Ffn {
 public:
  struct Weights {
    std::optional<MonetRouter> router;  ///< of a layer that routes
    bool vertical = false;
    int keys = 0;
    int64_t width = 0;  ///< neurons of a key on one side
    /// Side 0 and, in VD, side 1: [n · width, hidden_size], row = key · width + neuron; biased.
    std::vector<StripMatrix> up;
    /// HD: one, [hidden_size, n · slot]; VD: the two halves [hidden_size / 2, n · slot]. A key's
    /// slot has columns for its own neurons (VD), for the other side's, and its bias.
    std::vector<PackedMatrix> down;

    /// Columns of a key in `down`, even.
    int64_t slot() const { return round_up((vertical ? 2 * width : width) + 1, 2); }
    /// The side whose keys `down[half]` belongs to.
    int side_of(size_t half) const { return vertical ? static_cast<int>(half) : 1; }
  };

  MonetFfn(int layer, Weights weights) : layer_(layer), w_(std::move(weights)) {}

  bool routes() const override { return w_.router.has_value(); }
  void route(Executor& executor, const FfnInput& input, const LayerEdit* edit,
             Routing& routing) const override;
  void mix(Executor& executor, const FfnInput& input, const Routing& routing, const LayerEdit* edit,
           FfnScratch& scratch, Rows out) const override;
  int64_t weight_bytes() const override;

 private:
  using Blocks = std::span<MonetBlock>;
  void list(Executor& executor, const FfnInput& input, const FactoredRouting& routing,
            Blocks blocks) const;
  void activate(Executor& executor, const FfnInput& input, Blocks blocks) const;
  void weigh(Executor& executor, const FfnInput& input, const FactoredRouting& routing,
             const LayerEdit* edit, Blocks blocks) const;
  void project(Executor& executor, Blocks blocks, const Rows& out) const;

  int layer_;
  Weights w_;
};

}  // namespace expertoire
