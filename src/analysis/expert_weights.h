// The weights of single experts and keys, as the checkpoint has them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analysis/unit.h"
#include "io/checkpoint.h"
#include "model/config.h"

namespace expertoire {

class ExpertIndex;

/// A tensor of that shape. Errors: kNotFound, kBadFile for another shape.
const TensorView& checked_tensor(const Checkpoint& checkpoint, const std::string& name,
                                 const std::vector<int64_t>& shape);
/// Its values, row-major. Errors: as above; kUnsupported for a dtype that is no float.
std::vector<float> read_tensor(const Checkpoint& checkpoint, const std::string& name,
                               const std::vector<int64_t>& shape);

/// The weights of units of a model folder. Of Monet, those of all layers that the unit's router
/// serves.
class ExpertWeights {
 public:
  /// Errors: those of Checkpoint; kInvalidArgument for a dense model.
  ExpertWeights(const Checkpoint& checkpoint, const ModelConfig& config);
  ~ExpertWeights();

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
  struct KeySide;  // what the keys of one side of one layer add
  struct MonetLayer;
  KeySide read_side(int layer, size_t s) const;
  const MonetLayer& monet_layer(int layer);
  std::vector<float> monet_output(int layer, int64_t left, int64_t right);
  const std::vector<float>& layer_mean(int layer);
  std::vector<float> sparse_output(const Unit& unit) const;
  std::vector<float> peer_output(const Unit& unit) const;
  std::vector<float> key_weights(int layer, bool right, int64_t key) const;
  std::vector<int> layers_served(int layer) const;
  std::vector<float> norm_weight(int layer) const;

  const Checkpoint& checkpoint_;
  const ModelConfig& config_;
  std::map<int, std::unique_ptr<MonetLayer>> monet_;
  std::map<int, std::vector<float>> means_;  // by layer
};

/// Errors: kInvalidArgument when the model of a folder is not the one that an index was made with.
void check_same_weights(const ExpertIndex& index, const Checkpoint& checkpoint);

}  // namespace expertoire
