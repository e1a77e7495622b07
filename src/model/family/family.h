// What sets one model family apart, as data. Adding a family is adding one file here and one line
// to families.cc; the decoder has no code for any of them.
#pragma once

#include <span>
#include <string_view>

#include "model/config.h"

namespace expertoire {

/// Which layers have experts.
enum class SparseRule : uint8_t {
  kNone,      ///< all dense
  kAll,       ///< all sparse
  kDeepSeek,  ///< layer ≥ first_k_dense_replace and layer % moe_layer_freq == 0
  kQwen,      ///< not in mlp_only_layers and (layer + 1) % decoder_sparse_step == 0
};

/// What the FFNs are made of.
enum class FfnKind : uint8_t {
  kGated,  ///< SwiGLU blocks, dense or as top-k experts
  kMonet,  ///< n² experts from two sets of n keys
  kPeer,   ///< n² experts of one neuron, chosen by product keys
};

/// How the width of the shared experts is stated.
enum class SharedRule : uint8_t {
  kNone,
  kGatedWidth,  ///< shared_expert_intermediate_size, weighed by a sigmoid gate
  kCount,       ///< n_shared_experts · moe_intermediate_size, added as it is
};

/// How norm_topk_prob is decided.
enum class NormRule : uint8_t { kConfig, kAlways };

/// Names of the FFN's tensors below "model.layers.L."; "{e}" stands for the expert.
struct FfnTensors {
  std::string_view router = "mlp.gate.weight";
  std::string_view expert = "mlp.experts.{e}.";
  std::string_view gate = "gate_proj";
  std::string_view up = "up_proj";
  std::string_view down = "down_proj";
  std::string_view shared = "mlp.shared_expert.";
  std::string_view shared_gate = "mlp.shared_expert_gate.weight";
};

/// Key names and defaults are those of the family's configuration class in transformers
/// (DeepSeek v1: of its own configuration_deepseek.py).
struct FamilySpec {
  std::string_view model_type;
  // Attention.
  QkNorm qk_norm = QkNorm::kNone;
  std::string_view qkv_bias_key = "";  ///< "" = never
  bool qkv_bias_default = false;
  bool o_bias = false;  ///< o_proj has the bias of qkv_bias_key too
  double rope_theta = 10000.0;
  float rms_norm_eps = 1e-6F;
  bool clip_qkv = false;
  bool mlp_bias = false;  ///< config may state mlp_bias
  FfnKind ffn = FfnKind::kGated;
  std::string_view hidden_act = "silu";
  // Experts.
  SparseRule sparse = SparseRule::kNone;
  std::string_view num_experts_key = "num_experts";
  std::string_view expert_width_key = "moe_intermediate_size";
  NormRule norm = NormRule::kConfig;
  SharedRule shared = SharedRule::kNone;
  FfnTensors tensors = {};
  /// Which routing the MoEE paper's code takes from this family when nobody says
  /// (papers: MoE-Embedding's models/modeling_*.py).
  Stage embedding_stage = Stage::kLogits;
};

extern const FamilySpec kOlmoe;
extern const FamilySpec kQwen2Moe;
extern const FamilySpec kDeepSeek;
extern const FamilySpec kMixtral;
extern const FamilySpec kQwen3Moe;
extern const FamilySpec kLlama;
extern const FamilySpec kMonet;
extern const FamilySpec kPeer;

/// All families; the one list.
std::span<const FamilySpec* const> families();

/// The family of config.json's model_type, or null.
const FamilySpec* find_family(std::string_view model_type);

}  // namespace expertoire
