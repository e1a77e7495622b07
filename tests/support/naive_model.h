// A model in plain double loops, straight from its tensors: no packing, batches or caches. The
// oracle of tests that ask what the engine should compute.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "support/miniature.h"

namespace expertoire::test {

using Row = std::vector<double>;
using Matrix = std::vector<Row>;

class NaiveModel {
 public:
  /// Router logits [E] of a token in a layer → what each expert's output is multiplied by; 0 = not
  /// used. The default is the family's rule.
  using Mixture = std::function<Row(int layer, const Row& logits)>;
  /// Weight of the shared experts, from the gate's sigmoid (or 1). The default keeps it.
  using SharedWeight = std::function<double(int layer, double gate)>;

  explicit NaiveModel(const Miniature& model);
  void set_mixture(Mixture mixture) { mixture_ = std::move(mixture); }
  void set_shared(SharedWeight shared) { shared_ = std::move(shared); }

  struct Pass {
    std::vector<Matrix> hidden;  ///< residual stream: [layers + 1] of [T, hidden_size]
    Matrix final_norm;           ///< [T, hidden_size]
    Matrix logits;               ///< [T, vocab_size]
    std::map<int, Matrix> router_logits;
  };
  Pass run(const std::vector<int32_t>& ids) const;

  /// o_proj(attention(x)) of a layer for normed rows x at positions 0 …
  Matrix attention(int layer, const Matrix& x) const;
  /// The FFN of a layer for one normed row; `logits` (may be null) gets the output of a top-k
  /// router. `router_x`: what the router saw that serves this layer; null = x.
  Row ffn(int layer, const Row& x, Row* logits = nullptr, const Row* router_x = nullptr) const;

  /// The probabilities of all experts.
  static Row softmax(const Row& logits);
  /// The k experts with the largest logits of those that `allowed` (empty = all) has.
  static std::vector<int> top_k(const Row& logits, int k, const std::vector<bool>& allowed = {});
  /// The family's rule: softmax over all, the k largest, divided by their sum if it says so.
  Row family_mixture(const Row& logits) const;

  const ModelConfig& config() const { return config_; }

 private:
  const MiniatureTensor& tensor(const std::string& name) const { return model_.tensors.at(name); }
  Row linear(const std::string& name, const Row& x) const;
  Row norm(const std::string& name, const double* x, size_t size) const;
  void norm_heads(const std::string& name, Row& x) const;
  void rotate(int64_t position, Row& x) const;
  Row mlp(const std::string& prefix, const Row& x) const;

  Miniature model_;
  ModelConfig config_;
  std::vector<float> inv_freq_;
  Mixture mixture_;
  SharedWeight shared_;
};

/// Largest |a − b| over the largest |b|: how far a computation in f32 is from this one.
double relative_error(const float* a, const Row& b);

}  // namespace expertoire::test
