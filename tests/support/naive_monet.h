// Monet's expert layer as an explicit sum over all n² experts, in plain double loops.
#pragma once

#include <functional>

#include "support/naive_model.h"

namespace expertoire::test {

/// What joint expert (i, j) is multiplied by beside its score; the default is 1.
using JointFactor = std::function<double(int i, int j)>;

/// g [H][n] of one side (0 or 1) of the router that serves `layer`, for its input `x`.
Matrix naive_monet_scores(const Miniature& model, int layer, int side, const Row& x);

/// Σ_h Σ_ij g1_hi g2_hj factor(i, j) E_ij(x): arXiv 2412.04139 eq. 6, 8, 13 as they stand.
/// `router_x`: what the serving router saw of this token.
Row naive_monet(const Miniature& model, int layer, const Row& x, const Row& router_x,
                const JointFactor& factor = {});

}  // namespace expertoire::test
