// PEER: n² experts of one neuron, e(x) = gelu(u · x) v, chosen by product keys (arXiv 2407.04153).
// Heads share the keys and the experts.
#pragma once

#include <array>

#include "ffn/ffn.h"
#include "routing/product_keys.h"
#include "tensor/matmul.h"

namespace expertoire {

class PeerFfn final : public Ffn {
 public:
  struct Weights {
    ProductKeys rule;
    PackedMatrix query;        ///< [H · key_dim, hidden_size] f32
    std::vector<float> mean;   ///< [H · key_dim]: the norm is (q − mean) · scale + shift
    std::vector<float> scale;  ///< [H · key_dim]
    std::vector<float> shift;  ///< [H · key_dim]
    std::array<PackedMatrix, 2> keys;  ///< [n, key_dim / 2] f32: for each half of a query
    /// [n², hidden_size], owned by the checkpoint: u and v of each expert. Only the rows of chosen
    /// experts are touched, so they are read as they are stored and computed with in f32.
    const TensorView* down = nullptr;
    const TensorView* up = nullptr;
  };

  PeerFfn(int layer, Weights weights) : layer_(layer), w_(std::move(weights)) {}

  bool routes() const override { return true; }
  void route(Executor& executor, const FfnInput& input, const LayerEdit* edit,
             Routing& routing) const override;
  void mix(Executor& executor, const FfnInput& input, const Routing& routing, const LayerEdit* edit,
           FfnScratch& scratch, Rows out) const override;
  int64_t weight_bytes() const override;

 private:
  std::vector<float> normed_queries(Executor& executor, const FfnInput& input) const;
  void score_keys(Executor& executor, std::vector<float>& queries, TopKRouting& routing) const;

  int layer_;
  Weights w_;
};

}  // namespace expertoire
