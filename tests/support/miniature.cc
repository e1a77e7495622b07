#include "support/miniature.h"

#include <fmt/format.h>

#include <cmath>
#include <random>

#include "io/safetensors.h"
#include "model/family/family.h"

namespace expertoire::test {
namespace {

using nlohmann::json;

const std::map<std::string, json>& configs() {
  static const std::map<std::string, json> all = {
      {"olmoe",
       {{"model_type", "olmoe"},
        {"hidden_size", 48},
        {"num_hidden_layers", 3},
        {"num_attention_heads", 4},
        {"num_key_value_heads", 2},
        {"clip_qkv", 1.5},
        {"num_experts", 10},
        {"num_experts_per_tok", 3},
        {"intermediate_size", 20}}},
      {"qwen2_moe",
       {{"model_type", "qwen2_moe"},
        {"hidden_size", 40},
        {"num_hidden_layers", 4},
        {"num_attention_heads", 4},
        {"num_experts", 9},
        {"num_experts_per_tok", 4},
        {"moe_intermediate_size", 33},
        {"shared_expert_intermediate_size", 70},
        {"intermediate_size", 50},
        {"mlp_only_layers", {1}},
        {"norm_topk_prob", true}}},
      {"deepseek",
       {{"model_type", "deepseek"},
        {"hidden_size", 50},
        {"num_hidden_layers", 5},
        {"num_attention_heads", 5},
        {"num_key_value_heads", 1},
        {"attention_bias", true},
        {"n_routed_experts", 12},
        {"num_experts_per_tok", 4},
        {"n_shared_experts", 2},
        {"moe_intermediate_size", 27},
        {"intermediate_size", 45},
        {"first_k_dense_replace", 1},
        {"moe_layer_freq", 2},
        {"rope_scaling",
         {{"type", "yarn"}, {"factor", 4.0}, {"original_max_position_embeddings", 128}}}}},
      {"mixtral",
       {{"model_type", "mixtral"},
        {"hidden_size", 132},
        {"num_hidden_layers", 2},
        {"num_attention_heads", 6},
        {"num_key_value_heads", 2},
        {"head_dim", 20},
        {"num_local_experts", 5},
        {"num_experts_per_tok", 2},
        {"intermediate_size", 70}}},
      {"qwen3_moe",
       {{"model_type", "qwen3_moe"},
        {"hidden_size", 45},
        {"num_hidden_layers", 2},
        {"num_attention_heads", 2},
        {"num_key_value_heads", 1},
        {"head_dim", 72},
        {"num_experts", 70},
        {"num_experts_per_tok", 8},
        {"moe_intermediate_size", 24},
        {"intermediate_size", 24},
        {"norm_topk_prob", true}}},
      {"llama",
       {{"model_type", "llama"},
        {"hidden_size", 33},
        {"num_hidden_layers", 3},
        {"num_attention_heads", 4},
        {"num_key_value_heads", 1},
        {"head_dim", 10},
        {"attention_bias", true},
        {"mlp_bias", true},
        {"intermediate_size", 37},
        {"tie_word_embeddings", true},
        {"rope_scaling",
         {{"rope_type", "llama3"},
          {"factor", 8.0},
          {"low_freq_factor", 1.0},
          {"high_freq_factor", 4.0},
          {"original_max_position_embeddings", 64}}}}},
      {"monet_hd",
       {{"model_type", "monet"},
        {"hidden_act", "relu2"},
        {"hidden_size", 33},
        {"num_hidden_layers", 3},
        {"num_attention_heads", 3},
        {"num_key_value_heads", 1},
        {"head_dim", 10},
        {"moe_decompose", "horizontal"},
        {"moe_experts", 7},
        {"moe_heads", 2},
        {"moe_topk", 2},
        {"moe_dim", 5},
        {"moe_groups", 2},
        {"moe_router_norm", "key"}}},
      {"monet_vd",
       {{"model_type", "monet"},
        {"hidden_act", "relu2"},
        {"hidden_size", 42},
        {"num_hidden_layers", 4},
        {"num_attention_heads", 3},
        {"moe_decompose", "vertical"},
        {"moe_experts", 70},
        {"moe_heads", 3},
        {"moe_topk", 9},
        {"moe_dim", 6},
        {"moe_groups", 3}}},
      {"peer",
       {{"model_type", "peer"},
        {"hidden_act", "gelu"},
        {"hidden_size", 35},
        {"num_hidden_layers", 2},
        {"num_attention_heads", 3},
        {"num_key_value_heads", 1},
        {"head_dim", 12},
        {"peer_keys", 7},
        {"peer_key_dim", 10},
        {"peer_heads", 3},
        {"peer_topk", 4}}}};
  return all;
}

// Adds random tensors to a miniature, each spread as its part of a model wants it.
class Filler {
 public:
  Filler(Miniature& model, uint64_t seed) : model_(model), generator_(seed) {}

  void matrix(const std::string& name, int64_t outputs, int64_t inputs, double gain = 1.2) {
    add(name, {outputs, inputs}, 0.0, gain / std::sqrt(static_cast<double>(inputs)));
  }
  void variance(const std::string& name, int64_t size) { add(name, {size}, 2.0, 0.3); }
  void norm(const std::string& name, int64_t size) { add(name, {size}, 1.0, 0.2); }
  void bias(const std::string& name, int64_t size) { add(name, {size}, 0.0, 0.2); }
  void table(const std::string& name, int64_t rows, int64_t columns) {
    add(name, {rows, columns}, 0.0, 0.8);
  }

 private:
  void add(const std::string& name, std::vector<int64_t> shape, double mean, double spread) {
    int64_t count = 1;
    for (int64_t size : shape) count *= size;
    std::normal_distribution<double> normal(mean, spread);
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) value = static_cast<float>(normal(generator_));
    model_.tensors[name] = {std::move(shape), std::move(values)};
  }

  Miniature& model_;
  std::mt19937_64 generator_;
};

void fill_mlp(Filler& fill, const ModelConfig& c, const std::string& prefix, int64_t width,
              bool bias) {
  const FfnTensors& names = c.family->tensors;
  const auto name = [&](std::string_view part, const char* kind) {
    return fmt::format("{}{}.{}", prefix, part, kind);
  };
  fill.matrix(name(names.gate, "weight"), width, c.hidden_size);
  fill.matrix(name(names.up, "weight"), width, c.hidden_size);
  fill.matrix(name(names.down, "weight"), c.hidden_size, width);
  if (!bias) return;
  fill.bias(name(names.gate, "bias"), width);
  fill.bias(name(names.up, "bias"), width);
  fill.bias(name(names.down, "bias"), c.hidden_size);
}

void fill_sparse(Filler& fill, const ModelConfig& c, const std::string& prefix) {
  const FfnTensors& names = c.family->tensors;
  fill.matrix(prefix + std::string(names.router), c.num_experts, c.hidden_size, 2.0);
  for (int e = 0; e < c.num_experts; ++e) {
    fill_mlp(fill, c, prefix + fmt::format(fmt::runtime(names.expert), fmt::arg("e", e)),
             c.moe_intermediate_size, false);
  }
  if (c.shared_intermediate_size == 0) return;
  fill_mlp(fill, c, prefix + std::string(names.shared), c.shared_intermediate_size, false);
  if (c.shared_gate) fill.matrix(prefix + std::string(names.shared_gate), 1, c.hidden_size);
}

void fill_monet(Filler& fill, const ModelConfig& c, int layer, const std::string& prefix) {
  const MonetConfig& m = c.monet;
  const int64_t all = int64_t{m.heads} * m.keys;
  for (int side = 1; c.routes(layer) && side <= 2; ++side) {
    const std::string norm = fmt::format("{}router.norm{}.", prefix, side);
    fill.matrix(fmt::format("{}router.w{}.weight", prefix, side), all, c.hidden_size, 1.4);
    fill.bias(norm + "running_mean", m.norm_per_key ? all : m.heads);
    fill.variance(norm + "running_var", m.norm_per_key ? all : m.heads);
  }
  const std::string moe = prefix + "moe.";
  const int64_t width = m.keys * (m.vertical ? m.width / 2 : m.width);
  const int64_t outputs = m.vertical ? c.hidden_size / 2 : c.hidden_size;
  const auto names = [&](std::vector<const char*> vertical, const char* horizontal) {
    return m.vertical ? vertical : std::vector<const char*>{horizontal};
  };
  for (const char* u : names({"u1", "u2"}, "u")) {
    fill.matrix(moe + u + ".weight", width, c.hidden_size);
    fill.bias(moe + u + ".bias", width);
  }
  for (const char* v : names({"v11", "v12", "v21", "v22"}, "v")) {
    fill.matrix(moe + v + ".weight", outputs, width, 3.0);
  }
  for (const char* b : names({"b1", "b2"}, "b")) fill.table(moe + b, m.keys, outputs);
}

void fill_peer(Filler& fill, const ModelConfig& c, const std::string& mlp) {
  const PeerConfig& p = c.peer;
  const int64_t queries = p.heads * p.key_dim;
  fill.matrix(mlp + "query.weight", queries, c.hidden_size);
  fill.norm(mlp + "query_norm.weight", queries);
  fill.bias(mlp + "query_norm.bias", queries);
  fill.bias(mlp + "query_norm.running_mean", queries);
  fill.variance(mlp + "query_norm.running_var", queries);
  fill.matrix(mlp + "keys1", p.keys, p.key_dim / 2, 2.0);
  fill.matrix(mlp + "keys2", p.keys, p.key_dim / 2, 2.0);
  fill.matrix(mlp + "down", c.num_experts, c.hidden_size);
  fill.table(mlp + "up", c.num_experts, c.hidden_size);
}

void fill_attention(Filler& fill, const ModelConfig& c, const std::string& prefix) {
  fill.matrix(prefix + "q_proj.weight", c.q_size(), c.hidden_size);
  fill.matrix(prefix + "k_proj.weight", c.kv_size(), c.hidden_size);
  fill.matrix(prefix + "v_proj.weight", c.kv_size(), c.hidden_size);
  fill.matrix(prefix + "o_proj.weight", c.hidden_size, c.q_size());
  if (c.qkv_bias) {
    fill.bias(prefix + "q_proj.bias", c.q_size());
    fill.bias(prefix + "k_proj.bias", c.kv_size());
    fill.bias(prefix + "v_proj.bias", c.kv_size());
  }
  if (c.o_bias) fill.bias(prefix + "o_proj.bias", c.hidden_size);
  if (c.qk_norm == QkNorm::kNone) return;
  const bool full = c.qk_norm == QkNorm::kFull;
  fill.norm(prefix + "q_norm.weight", full ? c.q_size() : c.head_dim);
  fill.norm(prefix + "k_norm.weight", full ? c.kv_size() : c.head_dim);
}

}  // namespace

const std::vector<std::string>& miniature_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& entry : configs()) all.push_back(entry.first);
    return all;
  }();
  return names;
}

std::vector<std::string> top_k_miniature_names() {
  std::vector<std::string> names = miniature_names();
  std::erase_if(names, [](const std::string& name) {
    return name == "llama" || name == "peer" || name.starts_with("monet");
  });
  return names;
}

json miniature_config(const std::string& name) {
  json config = configs().at(name);
  config["vocab_size"] = 97;
  config["max_position_embeddings"] = 512;
  return config;
}

Miniature Miniature::random(const std::string& name, uint64_t seed) {
  return of(miniature_config(name), seed);
}

Miniature Miniature::of(json config, uint64_t seed) {
  Miniature model;
  model.config = std::move(config);
  const ModelConfig c = parse_config(model.config, "a miniature");
  Filler fill(model, seed);
  fill.table("model.embed_tokens.weight", c.vocab_size, c.hidden_size);
  if (!c.tie_word_embeddings) fill.matrix("lm_head.weight", c.vocab_size, c.hidden_size);
  fill.norm("model.norm.weight", c.hidden_size);
  for (int layer = 0; layer < c.num_hidden_layers; ++layer) {
    const std::string prefix = fmt::format("model.layers.{}.", layer);
    fill.norm(prefix + "input_layernorm.weight", c.hidden_size);
    fill.norm(prefix + "post_attention_layernorm.weight", c.hidden_size);
    fill_attention(fill, c, prefix + "self_attn.");
    if (c.family->ffn == FfnKind::kMonet) {
      fill_monet(fill, c, layer, prefix);
    } else if (c.family->ffn == FfnKind::kPeer) {
      fill_peer(fill, c, prefix + "mlp.");
    } else if (c.sparse[static_cast<size_t>(layer)]) {
      fill_sparse(fill, c, prefix);
    } else {
      fill_mlp(fill, c, prefix + "mlp.", c.intermediate_size, c.mlp_bias);
    }
  }
  return model;
}

void Miniature::write(const std::string& folder) const {
  std::vector<NamedTensor> named;
  for (const auto& [name, tensor] : tensors) {
    named.push_back(
        {name,
         {DType::kF32, tensor.shape, reinterpret_cast<const std::byte*>(tensor.values.data()),
          tensor.values.size() * sizeof(float)}});
  }
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/config.json") << config.dump(2);
  write_safetensors(folder + "/model.safetensors", named);
}

std::shared_ptr<const Model> Miniature::load(Compute compute, int threads) const {
  const TempDir folder;
  write(folder.path());
  return Model::load(folder.path(), {compute, true, threads, {}});
}

}  // namespace expertoire::test
