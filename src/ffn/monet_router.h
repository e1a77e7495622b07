// Monet's router (arXiv 2412.04139, section 3; MonetRouter of the authors' modeling_monet.py).
#pragma once

#include <array>

#include "ffn/ffn.h"
#include "tensor/matmul.h"

namespace expertoire {

/// For each side and head: z = W x; the keys whose normalised logit reaches Φ⁻¹(1 − k/n) are kept,
/// and at least the best; g is the softmax of the raw z over the kept ones.
class MonetRouter {
 public:
  struct Side {
    PackedMatrix weight;         ///< [H · n, hidden_size], row = head · n + key
    std::vector<float> mean;     ///< [H, n], of the running statistics
    std::vector<float> inverse;  ///< [H, n], 1 / sqrt(variance + eps)
  };

  MonetRouter(int heads, int keys, int top_k, std::array<Side, 2> sides);

  int64_t weight_bytes() const;

  /// Fills `routing` for all tokens. Errors: kNumeric naming `layer` when a logit is not finite.
  void route(Executor& executor, int layer, const FfnInput& input, FactoredRouting& routing) const;

 private:
  struct Kept;
  void route_side(Executor& executor, int layer, const FfnInput& input, const Side& side,
                  FactoredSide& out) const;
  void keep(const KernelTable& kernels, int64_t first, int64_t last, FactoredSide& side,
            Kept& kept) const;
  int keep_head(const KernelTable& kernels, const FactoredSide& side, int64_t token, int head,
                Kept& kept) const;
  void take_token(Kept& kept) const;
  void join(Executor& executor, const std::vector<Kept>& blocks, FactoredSide& out) const;

  int heads_;
  int keys_;
  float threshold_;
  std::array<Side, 2> sides_;
};

}  // namespace expertoire
