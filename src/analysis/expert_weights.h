// The weights of single experts and keys, as the checkpoint has them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "analysis/monet_outputs.h"
#include "analysis/unit.h"
#include "io/checkpoint.h"
#include "model/config.h"

namespace expertoire {

class ExpertIndex;

/// The weights of units of a model folder. Of Monet, those of all layers that the unit's router
/// serves.
class ExpertWeights {
 public:
  /// Errors: those of Checkpoint; kInvalidArgument for a dense model.
  ExpertWeights(const Checkpoint& checkpoint, const ModelConfig& config);

  /// The unit's mean output [hidden_size] if the stream that its layer reads were white noise: the
  /// mean over z ~ N(0, I) of E(w · z), w the weight of the norm before the FFN, added up over the
  /// layers that its router serves. It has a closed form:
  ///   SwiGLU   Σ_m ½ (w g_m · w u_m) V_m      since E[silu(a) b] = E[silu'(a)] E[a b], and the
  ///            mean of silu' over N(0, s²) is ½ (Stein's lemma)
  ///   relu²    neuron m: E[relu(t)²] for t ~ N(b_m, |w u_m|²)
  ///   gelu     neuron of PEER: E[gelu(t)] = s² / √(2π (1 + s²)) for t ~ N(0, s²)
  /// A key of Monet stands for its n joint experts: the mean of their outputs. Errors: those of
  /// checked_tensor.
  std::vector<float> mean_output(const Unit& unit);

  /// How that differs from the mean of all experts of the layer: what they all do alike says
  /// nothing about one of them. Errors: as above.
  std::vector<float> own_output(const Unit& unit);

  /// All weights of an expert or a key in one row, biases included. Of a joint expert, its left
  /// key's and then its right key's. Errors: as above.
  std::vector<float> flat(const Unit& unit);

 private:
  // Key n of either side stands for the mean of all.
  std::vector<float> monet_output(int layer, int64_t left, int64_t right);
  const std::vector<float>& layer_mean(int layer);
  std::vector<float> sparse_output(const Unit& unit) const;
  std::vector<float> peer_output(const Unit& unit) const;
  std::vector<float> key_weights(int layer, bool right, int64_t key) const;
  std::vector<int> layers_served(int layer) const;

  const Checkpoint& checkpoint_;
  const ModelConfig& config_;
  MonetOutputs monet_;
  std::map<int, std::vector<float>> means_;  // by layer
};

/// Errors: kInvalidArgument when the model of a folder is not the one that an index was made with.
void check_same_weights(const ExpertIndex& index, const Checkpoint& checkpoint);

}  // namespace expertoire
