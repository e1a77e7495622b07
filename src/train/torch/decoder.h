// The decoder that all five kinds share, and the losses of a batch.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "train/config.h"
#include "train/torch/attention.h"
#include "train/torch/ffn.h"

namespace expertoire::train {

/// x·weight/√(mean x² + eps)
struct RmsNorm {
  Tensor weight;
  double eps = 0;
  Tensor forward(const Tensor& x) const;
};

/// Terms of the loss by name: lm, unif, amb, balance, z where the kind has them; total is what is
/// minimised: lm and the others by their coefficients.
using Losses = std::map<std::string, Tensor>;

class Decoder {
 public:
  /// Creates all weights in `parameters`.
  Decoder(const ModelShape& shape, Parameters& parameters);

  /// Hidden states after the last norm, [sequences·length, hidden_size]. ids: [sequences, length].
  Tensor hidden(const Tensor& ids, Pass& pass) const;
  /// ids: [sequences, length + 1]: inputs and, shifted by one, targets. lm is the mean over all
  /// tokens of −log p(target).
  Losses losses(const Tensor& ids, Pass& pass) const;

  const ModelShape& shape() const { return shape_; }

 private:
  struct Layer {
    RmsNorm input_norm, ffn_norm;
    Attention attention;
    std::unique_ptr<Ffn> ffn;
  };

  ModelShape shape_;
  Tensor embedding_;  ///< [vocab_size, hidden_size]
  std::vector<Layer> layers_;
  RmsNorm norm_;
  Tensor head_;  ///< [vocab_size, hidden_size]; the embedding when tied
};

}  // namespace expertoire::train
