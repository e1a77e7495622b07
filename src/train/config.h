// What is trained and how: our own JSON, the file that `expertoire-train run --config` takes.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace expertoire::train {

enum class FfnKind : uint8_t { kDense, kSmoe, kPeer, kMonetHd, kMonetVd };
/// "dense", "smoe", "peer", "monet_hd", "monet_vd".
std::string_view kind_name(FfnKind kind);

/// Over what a Monet router's BatchNorm gathers its statistics. Published: one mean and variance a
/// head, over tokens and keys. kKey: one a key of a head, over tokens.
enum class RouterNorm : uint8_t { kHead, kKey };

/// One decoder of a kind, with the weights of its losses. Keys not of the kind are ignored.
struct ModelShape {
  FfnKind kind = FfnKind::kDense;
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t layers = 0;  ///< num_hidden_layers
  int64_t heads = 0;   ///< num_attention_heads
  int64_t kv_heads = 0;
  int64_t max_positions = 0;  ///< max_position_embeddings: stated in the checkpoint, not enforced
  double rope_theta = 10000.0;
  double rms_norm_eps = 1e-6;
  bool tied = false;                ///< tie_word_embeddings
  double initializer_range = 0.02;  ///< matrices are drawn from N(0, this²)

  int64_t intermediate_size = 0;  ///< width of the dense MLP, or of one SMoE expert
  int64_t num_experts = 0;
  int64_t experts_per_token = 0;
  double balance_coef = 0.01;
  double z_coef = 0.001;

  int64_t peer_keys = 0;  ///< a side; peer_keys² experts
  int64_t peer_key_dim = 0;
  int64_t peer_heads = 0;
  int64_t peer_topk = 0;

  int64_t moe_experts = 0;  ///< keys a side; moe_experts² joint experts
  int64_t moe_topk = 0;
  int64_t moe_heads = 0;
  int64_t moe_dim = 0;
  int64_t moe_groups = 1;  ///< layers that share a router
  RouterNorm router_norm = RouterNorm::kHead;
  double router_momentum = 0.1;
  double router_initializer_range = 0.02;
  double lambda_unif = 1e-3;
  double lambda_amb = 1e-3;

  int64_t head_dim() const { return hidden_size / heads; }
  bool is_monet() const { return kind == FfnKind::kMonetHd || kind == FfnKind::kMonetVd; }
  bool routes(int64_t layer) const { return is_monet() && layer % moe_groups == 0; }
};

/// Errors: kBadFile (a key missing, of the wrong type, or sizes that do not fit each other),
/// kUnsupported (an unknown key). `what` names the file in errors.
ModelShape parse_model_shape(const nlohmann::json& json, const std::string& what);

}  // namespace expertoire::train
