// What the joint scores of one token do to its neurons: the middle of Monet's expert layer.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "routing/edit.h"
#include "routing/factored.h"

namespace expertoire {

/// The neurons of a token's kept keys, wherever they lie: entry e has [width] at
/// rows + index[e] · width.
struct KeptNeurons {
  const float* rows = nullptr;  ///< null: the side has none
  const int32_t* index = nullptr;
};

/// For the kept keys of a token, with W_ij = Σ_h g1_hi · g2_hj (times the edit's factor):
/// side 0, key i: share = Σ_j W_ij and other = Σ_j W_ij σ2_j; side 1, key j: share = Σ_i W_ij and
/// other = Σ_i W_ij σ1_i. Without an edit these follow from sums over one side at a time, since
/// each head's g add up to 1; an edit subtracts the pairs that it touches.
class MonetWeigher {
 public:
  /// `edit` may be null. `width`: neurons of a key.
  MonetWeigher(const FactoredRouting& routing, const LayerEdit* edit, int64_t width);

  /// `neurons[s]`: those of side s's kept keys; none in HD's side 1.
  void weigh(int64_t token, const std::array<KeptNeurons, 2>& neurons);

  std::span<const int32_t> keys(int side) const { return keys_[static_cast<size_t>(side)]; }
  /// [keys(side).size()]
  const float* share(int side) const { return sides_[static_cast<size_t>(side)].share.data(); }
  /// [keys(side).size(), width]; of no meaning when the opposite side has no neurons.
  const float* other(int side) const { return sides_[static_cast<size_t>(side)].other.data(); }

 private:
  struct Side {
    const float* scores = nullptr;  // [keys, H]
    KeptNeurons neurons;
    std::vector<float> total;  // [H, width]: Σ over keys of g · neurons
    std::vector<float> share;
    std::vector<float> other;
  };
  const float* neurons(size_t side, size_t entry) const {
    const KeptNeurons& kept = sides_[side].neurons;
    return kept.rows + kept.index[entry] * width_;
  }
  void sum_neurons(size_t side);
  void spread(size_t side);
  void subtract_edited();
  void remove(size_t e1, size_t e2, float score);
  void renormalize();

  const FactoredRouting& routing_;
  const LayerEdit* edit_;
  int64_t width_;
  std::array<std::span<const int32_t>, 2> keys_;
  std::array<Side, 2> sides_;
  std::vector<uint64_t> kept_;  // bit j: side 1 keeps key j
  std::vector<int32_t> entry_;  // [n]: its entry
};

}  // namespace expertoire
