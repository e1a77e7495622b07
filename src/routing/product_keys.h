// Product keys: the k best of n² experts, found from two lists of n logits (PEER, arXiv
// 2407.04153, section 2).
#pragma once

#include "routing/edit.h"
#include "simd/kernels.h"

namespace expertoire {

struct ProductKeys {
  int heads = 0;
  int keys = 0;   ///< n, a side; expert id = i · n + j
  int top_k = 0;  ///< experts that a head chooses
};

/// Turns the logits of product keys into a choice. Each head chooses for itself; `selected` and
/// `weights` are [T, H, k], so an expert that two heads chose stands there twice.
class ProductKeySelector {
 public:
  /// `edit` may be null; it must live as long as this.
  ProductKeySelector(const ProductKeys& rule, const LayerEdit* edit);

  /// Fills probs, selected and weights of tokens [first, last). `routing.logits` are
  /// [T, 2, H, n]. A head scores expert (i, j) by logit 1 of i + logit 2 of j, takes its k best
  /// (forced ones first, rerouted ones never) and weighs them by the softmax of their scores.
  /// `probs` are the softmax of each list: p1(i) · p2(j) is the softmax over all n² scores.
  void select(const KernelTable& kernels, int64_t first, int64_t last, TopKRouting& routing) const;

 private:
  struct Work;
  void choose(const float* z1, const float* z2, Work& work) const;
  bool passed_over(int32_t expert) const;

  ProductKeys rule_;
  const LayerEdit* edit_;
  std::vector<int32_t> forced_;
  int depth_;  // the best keys of a side among which the choice is sure to be
};

}  // namespace expertoire
