// Monet's expert layer: n² experts a layer, each composed of two halves out of n (arXiv
// 2412.04139).
//   horizontal (HD, eq. 6, 12): E_ij(x) = V_j σ(U_i x + b1_i) + b_j
//   vertical (VD, eq. 13, 15):  E_ij(x) = [V11_i σ1_i + V12_i σ2_j + b1_i ; V21_j σ1_i + V22_j σ2_j
//                               + b2_j], σ1_i = σ(U1_i x + b11_i), σ2_j = σ(U2_j x + b21_j)
// with σ = relu². Joint experts are never expanded: what is computed is sums over single keys, and
// of each token only those of the keys that some head kept.
#pragma once

#include <optional>
#include <vector>

#include "ffn/monet_pairs.h"
#include "ffn/monet_router.h"

namespace expertoire {

/// How the neurons of keys fill strips: whole keys in whole strips.
struct KeyGroup {
  int keys = 1;    ///< neighbouring keys; more than one where several fill a strip
  int strips = 1;  ///< that they fill, the last one perhaps in part

  /// For keys of `width` neurons.
  static KeyGroup of(int64_t width);
  int64_t outputs() const { return int64_t{strips} * kStripWidth; }
};

class MonetFfn final : public Ffn {
 public:
  struct Weights {
    std::optional<MonetRouter> router;  ///< of a layer that routes
    bool vertical = false;
    int keys = 0;
    int64_t width = 0;  ///< neurons of a key on one side
    /// Side after side (HD has one), group after group of KeyGroup::of(width); biased.
    StripMatrix up;
    /// HD: one, [hidden_size, n · slot()]; VD: the two halves of the outputs. A key's slot holds
    /// the columns of its own neurons (VD only), of the other side's, and its bias; then zeros.
    std::vector<PackedMatrix> down;

    int64_t slot() const { return round_up((vertical ? 2 * width : width) + 1, 2); }
    /// The side whose keys `down[half]` is made of.
    int down_side(size_t half) const { return vertical ? static_cast<int>(half) : 1; }
  };

  MonetFfn(int layer, Weights weights)
      : layer_(layer), w_(std::move(weights)), group_(KeyGroup::of(w_.width)) {}

  bool routes() const override { return w_.router.has_value(); }
  void route(Executor& executor, const FfnInput& input, const LayerEdit* edit,
             Routing& routing) const override;
  void mix(Executor& executor, const FfnInput& input, const Routing& routing, const LayerEdit* edit,
           FfnScratch& scratch, Rows out) const override;
  int64_t weight_bytes() const override;

 private:
  struct Side;
  struct Half;
  Side activate(Executor& executor, const FfnInput& input, const FactoredRouting& routing, int side,
                Scratch<float>& neurons) const;
  void activate_group(const KernelTable& kernels, const FfnInput& input, const Side& side,
                      int64_t block, int64_t group) const;
  void weigh(Executor& executor, const FactoredRouting& routing, const LayerEdit* edit,
             const std::vector<Side>& sides, const std::vector<Half>& halves) const;
  void add_down(Executor& executor, const Half& half, const Rows& out) const;

  int layer_;
  Weights w_;
  KeyGroup group_;
};

}  // namespace expertoire
