// The FFN step of a decoder layer in training: one class and one file a kind. The formulas are
// those of the engine's kinds (src/ffn) and of papers.md 1.2 to 1.6 and 3.
#pragma once

#include <memory>
#include <string>

#include "train/config.h"
#include "train/torch/parameters.h"
#include "train/torch/pass.h"

namespace expertoire::train {

class Ffn {
 public:
  virtual ~Ffn() = default;
  /// FFN(x) for x [tokens, hidden_size]; adds the layer's losses and statistics to `pass`.
  virtual Tensor forward(const Tensor& x, Pass& pass) = 0;
};

/// The FFN of layer `layer`, its weights created in `parameters`.
std::unique_ptr<Ffn> make_ffn(const ModelShape& shape, int64_t layer, Parameters& parameters);

// One each in the file of its name. `prefix`: "model.layers.L.".
std::unique_ptr<Ffn> make_dense(const ModelShape& shape, const std::string& prefix,
                                Parameters& parameters);
std::unique_ptr<Ffn> make_smoe(const ModelShape& shape, const std::string& prefix,
                               Parameters& parameters);
std::unique_ptr<Ffn> make_peer(const ModelShape& shape, const std::string& prefix,
                               Parameters& parameters);
/// `routes`: the layer has a router.
std::unique_ptr<Ffn> make_monet_hd(const ModelShape& shape, const std::string& prefix, bool routes,
                                   Parameters& parameters);
std::unique_ptr<Ffn> make_monet_vd(const ModelShape& shape, const std::string& prefix, bool routes,
                                   Parameters& parameters);

}  // namespace expertoire::train
