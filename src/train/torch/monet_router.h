// Monet's router in training (papers.md 1.2; goldens/monet/README.md where the paper is silent).
#pragma once

#include <string>

#include "train/config.h"
#include "train/torch/parameters.h"
#include "train/torch/pass.h"

namespace expertoire::train {

class MonetRouter {
 public:
  /// Tensors prefix + "router.{w1,w2}.weight" [heads·n, hidden_size] and
  /// "router.norm{1,2}.running_{mean,var}" [heads], or [heads·n] with RouterNorm::kKey.
  MonetRouter(const ModelShape& shape, const std::string& prefix, Parameters& parameters);

  /// Routes x [tokens, hidden_size]: puts the routing, the losses of uniformity and ambiguity and
  /// the use of keys into `pass`. In training by the batch's statistics, which go into the running
  /// ones; otherwise by the running ones.
  void route(const Tensor& x, Pass& pass) const;

 private:
  struct Side {
    Tensor weight, running_mean, running_var;
  };

  KeptKeys keep(const Side& side, const Tensor& x, const Pass& pass) const;
  KeptKeys keep_dense(const Side& side, const Tensor& x, const Pass& pass) const;

  int64_t heads_, n_;
  bool per_key_;
  double threshold_;  ///< Φ⁻¹(1 − k/n)
  double momentum_;
  Side sides_[2];
};

}  // namespace expertoire::train
