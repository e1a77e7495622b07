// What follows from a model's configuration: which layers route, and how many parameters there are.
#include "model/config_size.h"

#include <algorithm>

namespace expertoire {
namespace {

// All FFNs in double, with all experts or only those that one token uses.
double count_gated(const ModelConfig& c, bool active) {
  const double hidden = static_cast<double>(c.hidden_size);
  const double width = static_cast<double>(c.intermediate_size);
  const double dense = 3 * hidden * width + (c.mlp_bias ? 2 * width + hidden : 0);
  const int experts = active ? c.router.top_k : c.num_experts;
  const double moe =
      hidden * c.num_experts + 3 * hidden * static_cast<double>(c.moe_intermediate_size) * experts +
      3 * hidden * static_cast<double>(c.shared_intermediate_size) + (c.shared_gate ? hidden : 0);
  const int sparse = c.sparse_layers();
  return sparse * moe + (c.num_hidden_layers - sparse) * dense;
}

// A token uses the keys that any head keeps: top_k a head on average, at most all.
double count_monet(const ModelConfig& c, bool active) {
  const MonetConfig& monet = c.monet;
  const double hidden = static_cast<double>(c.hidden_size);
  const double keys =
      active ? std::min<double>(monet.keys, 1.0 * monet.heads * monet.top_k) : monet.keys;
  const double neurons = keys * static_cast<double>(monet.width);
  const double router = 2 * hidden * monet.heads * monet.keys;
  return c.num_hidden_layers * (2 * hidden * neurons + neurons + keys * hidden) +
         static_cast<double>(c.routing_layers().size()) * router;
}

// A token uses all keys, and the experts that its heads choose, if no two choose the same.
double count_peer(const ModelConfig& c, bool active) {
  const PeerConfig& peer = c.peer;
  const double hidden = static_cast<double>(c.hidden_size);
  const double key_dim = static_cast<double>(peer.key_dim);
  const double queries = peer.heads * key_dim;
  const double experts =
      active ? std::min<double>(c.num_experts, c.router.top_k) : static_cast<double>(c.num_experts);
  return c.num_hidden_layers *
         (queries * hidden + 2 * queries + peer.keys * key_dim + 2 * hidden * experts);
}

}  // namespace

double count_parameters(const ModelConfig& c, bool active) {
  const double hidden = static_cast<double>(c.hidden_size);
  const double q = static_cast<double>(c.num_attention_heads) * static_cast<double>(c.head_dim);
  const double kv = static_cast<double>(c.num_key_value_heads) * static_cast<double>(c.head_dim);
  const double qkv = q + 2 * kv;
  double layer = hidden * (qkv + q) + 2 * hidden;
  if (c.qkv_bias) layer += qkv;
  if (c.o_bias) layer += hidden;
  if (c.qk_norm == QkNorm::kFull) layer += q + kv;
  if (c.qk_norm == QkNorm::kPerHead) layer += 2 * static_cast<double>(c.head_dim);
  const double embeddings =
      static_cast<double>(c.vocab_size) * hidden * (c.tie_word_embeddings ? 1 : 2);
  const auto count_ffns = c.monet.keys > 0  ? count_monet
                          : c.peer.keys > 0 ? count_peer
                                            : count_gated;
  return embeddings + hidden + c.num_hidden_layers * layer + count_ffns(c, active);
}

int ModelConfig::sparse_layers() const {
  return static_cast<int>(std::count(sparse.begin(), sparse.end(), true));
}

bool ModelConfig::routes(int layer) const {
  return sparse[static_cast<size_t>(layer)] && (monet.keys == 0 || layer % monet.group == 0);
}

std::vector<int> ModelConfig::routing_layers() const {
  std::vector<int> layers;
  for (int layer = 0; layer < num_hidden_layers; ++layer) {
    if (routes(layer)) layers.push_back(layer);
  }
  return layers;
}

int64_t ModelConfig::router_outputs() const {
  if (monet.keys > 0) return int64_t{2} * monet.heads * monet.keys;
  return peer.keys > 0 ? int64_t{2} * peer.heads * peer.keys : num_experts;
}

std::vector<EditableLayer> ModelConfig::editable_layers() const {
  std::vector<EditableLayer> layers(static_cast<size_t>(num_hidden_layers));
  for (size_t i = 0; i < layers.size(); ++i) {
    if (monet.keys > 0) {
      layers[i] = {num_experts, 0, false, monet.keys};
    } else if (peer.keys > 0) {
      layers[i] = {num_experts, peer.top_k};  // each head chooses for itself
    } else if (sparse[i]) {
      layers[i] = {num_experts, router.top_k, shared_intermediate_size > 0};
    }
  }
  return layers;
}

int64_t ModelConfig::parameters() const {
  return static_cast<int64_t>(count_parameters(*this, false));
}

int64_t ModelConfig::active_parameters() const {
  return static_cast<int64_t>(count_parameters(*this, true));
}

}  // namespace expertoire
