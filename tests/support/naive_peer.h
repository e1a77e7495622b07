// PEER's expert layer over all n² experts, in plain double loops.
#pragma once

#include <functional>

#include "support/naive_model.h"

namespace expertoire::test {

/// What edits do to the choice of every head.
struct PeerChoice {
  std::vector<int> forced;
  std::vector<int> rerouted;
};

/// Scores of the keys [2, H, n], flat.
Row naive_peer_logits(const Miniature& model, int layer, const Row& x);
/// What each of the n² experts' outputs is multiplied by, summed over heads.
Row naive_peer_mixture(const PeerConfig& peer, const Row& logits, const PeerChoice& choice = {});
/// Σ_e mixture[e] · gelu(u_e · x) v_e
Row naive_peer_experts(const Miniature& model, int layer, const Row& x, const Row& mixture);

}  // namespace expertoire::test
