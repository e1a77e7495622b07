// What a model is: the values of config.json that change its results, in one plain struct.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "routing/edit.h"
#include "routing/routing.h"

namespace expertoire {

struct FamilySpec;

enum class RopeType : uint8_t { kDefault, kLinear, kLlama3, kYarn };

/// Rotary position embedding, as `rope_theta` + `rope_scaling` or `rope_parameters` state it.
struct RopeConfig {
  RopeType type = RopeType::kDefault;
  double theta = 10000.0;
  double factor = 1.0;            ///< linear, llama3, yarn
  double low_freq_factor = 1.0;   ///< llama3
  double high_freq_factor = 4.0;  ///< llama3
  int64_t original_max_position_embeddings = 0;
  double beta_fast = 32.0;        ///< yarn
  double beta_slow = 1.0;         ///< yarn
  double attention_factor = 1.0;  ///< multiplies cos and sin
  bool truncate = true;           ///< yarn

  bool operator==(const RopeConfig&) const = default;
};

/// Monet's expert layers (config keys moe_…, arXiv 2412.04139).
struct MonetConfig {
  bool vertical = false;      ///< moe_decompose: "vertical" or "horizontal"
  int keys = 0;               ///< moe_experts, n: keys a side, so n² experts
  int heads = 0;              ///< moe_heads
  int top_k = 0;              ///< moe_topk: keys a head keeps on average
  int group = 1;              ///< moe_groups: layers that share one router
  int64_t width = 0;          ///< moe_dim: neurons of an expert
  bool norm_per_key = false;  ///< moe_router_norm "key" (ours), not "head" (as published)
};

/// PEER's expert layers (arXiv 2407.04153; config keys peer_…, ours).
struct PeerConfig {
  int keys = 0;         ///< peer_keys, n: a side, so n² experts of one neuron
  int64_t key_dim = 0;  ///< peer_key_dim: of a query; each half meets one side's keys
  int heads = 0;        ///< peer_heads
  int top_k = 0;        ///< peer_topk: experts that a head chooses
};

/// Where the q and k norms sit, if anywhere.
enum class QkNorm : uint8_t { kNone, kFull, kPerHead };

struct ModelConfig {
  const FamilySpec* family = nullptr;
  std::string model_type;
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int num_hidden_layers = 0;
  int64_t max_position_embeddings = 0;
  float rms_norm_eps = 1e-6F;
  bool tie_word_embeddings = false;

  int num_attention_heads = 0;
  int num_key_value_heads = 0;
  int64_t head_dim = 0;
  bool qkv_bias = false;
  bool o_bias = false;
  QkNorm qk_norm = QkNorm::kNone;
  float clip_qkv = 0.0F;  ///< 0 = no clipping
  RopeConfig rope;

  int64_t intermediate_size = 0;  ///< of dense layers
  bool mlp_bias = false;
  std::vector<bool> sparse;  ///< [num_hidden_layers]: has experts
  int num_experts = 0;
  int64_t moe_intermediate_size = 0;
  RouterRule router;
  int64_t shared_intermediate_size = 0;  ///< 0 = no shared experts
  bool shared_gate = false;              ///< a sigmoid gate weighs the shared expert
  MonetConfig monet;                     ///< keys 0 in other families
  PeerConfig peer;                       ///< likewise

  std::vector<int32_t> eos_token_ids;

  int64_t q_size() const { return num_attention_heads * head_dim; }
  int64_t kv_size() const { return num_key_value_heads * head_dim; }
  int sparse_layers() const;
  /// Does this layer have a router of its own?
  bool routes(int layer) const;
  std::vector<int> routing_layers() const;
  /// Values of a router for one token, as RoutingSink's logits and probs have them.
  int64_t router_outputs() const;
  /// What an edit may name: what it must fit as a whole, and layer by layer.
  EditModel edit_model() const { return {model_type, num_hidden_layers, num_experts}; }
  std::vector<EditableLayer> editable_layers() const;
  /// Learned parameters, embeddings included; and those that one token uses.
  int64_t parameters() const;
  int64_t active_parameters() const;
};

/// Reads config.json. `what` names it in errors. Errors: kBadFile (missing key, wrong type, sizes
/// that do not fit each other), kUnsupported (an unknown model_type; a value that changes the
/// result and that we do not implement, by name). Unknown keys that are null, false or empty are
/// off and pass; other unknown keys are refused unless the environment variable
/// EXPERTOIRE_IGNORE_CONFIG lists them (comma-separated).
ModelConfig parse_config(const nlohmann::json& json, const std::string& what);

}  // namespace expertoire
