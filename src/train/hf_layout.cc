#include "train/hf_layout.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "io/json.h"
#include "io/refuse.h"
#include "model/config_reader.h"

namespace expertoire::train {
namespace {

using nlohmann::json;

struct Layout {
  const char* model_type;
  const char* architecture;
  const char* activation;
};

Layout layout_of(FfnKind kind) {
  switch (kind) {
    case FfnKind::kDense: return {"llama", "LlamaForCausalLM", "silu"};
    case FfnKind::kSmoe: return {"qwen2_moe", "Qwen2MoeForCausalLM", "silu"};
    case FfnKind::kPeer: return {"peer", "PeerForCausalLM", "gelu"};
    case FfnKind::kMonetHd:
    case FfnKind::kMonetVd: break;
  }
  return {"monet", "MonetForCausalLM", "relu2"};
}

void add_smoe(const ModelShape& shape, json& config) {
  config["intermediate_size"] = shape.intermediate_size;
  config["moe_intermediate_size"] = shape.intermediate_size;
  config["shared_expert_intermediate_size"] = 1;
  config["num_experts"] = shape.num_experts;
  config["num_experts_per_tok"] = shape.experts_per_token;
  config["norm_topk_prob"] = false;
  config["decoder_sparse_step"] = 1;
  config["mlp_only_layers"] = json::array();
  config["qkv_bias"] = true;
  config["use_sliding_window"] = false;
}

void add_peer(const ModelShape& shape, json& config) {
  config["peer_keys"] = shape.peer_keys;
  config["peer_key_dim"] = shape.peer_key_dim;
  config["peer_heads"] = shape.peer_heads;
  config["peer_topk"] = shape.peer_topk;
}

void add_monet(const ModelShape& shape, json& config) {
  config["moe_decompose"] = shape.kind == FfnKind::kMonetHd ? "horizontal" : "vertical";
  config["moe_experts"] = shape.moe_experts;
  config["moe_topk"] = shape.moe_topk;
  config["moe_heads"] = shape.moe_heads;
  config["moe_dim"] = shape.moe_dim;
  config["moe_groups"] = shape.moe_groups;
  if (shape.router_norm == RouterNorm::kKey) config["moe_router_norm"] = "key";
}

std::string kind_of(ConfigReader& reader) {
  const std::string type = reader.text("model_type", "");
  if (type == "llama") return "dense";
  if (type == "qwen2_moe") return "smoe";
  if (type == "peer") return "peer";
  if (type == "monet") {
    const std::string decompose = reader.text("moe_decompose", "vertical");
    if (decompose == "vertical") return "monet_vd";
    if (decompose == "horizontal") return "monet_hd";
    reader.bad("moe_decompose", "\"vertical\" or \"horizontal\"");
  }
  throw Error(ErrorCode::kUnsupported,
              {"reading " + reader.what(), "model_type " + in_quotes(type),
               "llama, qwen2_moe, peer or monet", "take a checkpoint that expertoire-train wrote"});
}

}  // namespace

json hf_config(const ModelShape& shape, int64_t eos_id, const std::string& dtype) {
  const Layout layout = layout_of(shape.kind);
  json config = {{"architectures", {layout.architecture}},
                 {"model_type", layout.model_type},
                 {"hidden_act", layout.activation},
                 {"vocab_size", shape.vocab_size},
                 {"hidden_size", shape.hidden_size},
                 {"num_hidden_layers", shape.layers},
                 {"num_attention_heads", shape.heads},
                 {"num_key_value_heads", shape.kv_heads},
                 {"max_position_embeddings", shape.max_positions},
                 {"rope_theta", shape.rope_theta},
                 {"rms_norm_eps", shape.rms_norm_eps},
                 {"tie_word_embeddings", shape.tied},
                 {"initializer_range", shape.initializer_range},
                 {"attention_dropout", 0.0},
                 {"bos_token_id", eos_id},
                 {"eos_token_id", eos_id},
                 {"dtype", dtype},
                 {"use_cache", true}};
  if (shape.kind == FfnKind::kDense) config["intermediate_size"] = shape.intermediate_size;
  if (shape.kind == FfnKind::kDense) config["attention_bias"] = config["mlp_bias"] = false;
  if (shape.kind == FfnKind::kSmoe) add_smoe(shape, config);
  if (shape.kind == FfnKind::kPeer) add_peer(shape, config);
  if (shape.is_monet()) add_monet(shape, config);
  return config;
}

json model_of_hf_config(const json& config, const std::string& what) {
  ConfigReader reader(config, what);
  const std::string kind = kind_of(reader);
  json model = {{"kind", kind}};
  for (const char* key : {"vocab_size",          "hidden_size",
                          "num_hidden_layers",   "num_attention_heads",
                          "num_key_value_heads", "max_position_embeddings",
                          "rope_theta",          "rms_norm_eps",
                          "tie_word_embeddings", "initializer_range",
                          "num_experts",         "num_experts_per_tok",
                          "peer_keys",           "peer_key_dim",
                          "peer_heads",          "peer_topk",
                          "moe_experts",         "moe_topk",
                          "moe_heads",           "moe_dim",
                          "moe_groups",          "moe_router_norm"}) {
    if (reader.has(key)) model[key] = reader.raw(key);
  }
  reader.require("attention_bias", false);
  reader.require("mlp_bias", false);
  reader.require("norm_topk_prob", false);
  const char* width = kind == "smoe" ? "moe_intermediate_size" : "intermediate_size";
  if (kind == "dense" || kind == "smoe") model["intermediate_size"] = reader.integer(width, {});
  if (reader.has("rope_scaling")) reader.unsupported("rope_scaling", "null");
  if (const json& rope = reader.raw("rope_parameters"); rope.is_object()) {
    if (rope.value("rope_type", "default") != "default") {
      reader.unsupported("rope_parameters", "rope_type \"default\"");
    }
    if (rope.contains("rope_theta")) model["rope_theta"] = rope["rope_theta"];
  }
  return model;
}

json merge_model(const json& checkpoint, const json& wanted) {
  json merged = checkpoint;
  if (wanted.is_null()) return merged;
  for (const auto& [key, value] : wanted.items()) {
    const auto had = checkpoint.find(key);
    if (had != checkpoint.end() && *had != value) {
      throw Error(ErrorCode::kInvalidArgument,
                  {"taking weights from a checkpoint",
                   fmt::format("{} is {} in the configuration", in_quotes(key), in_short(value)),
                   fmt::format("{}, as in the checkpoint", in_short(*had)),
                   "leave the key out, or take another checkpoint"});
    }
    merged[key] = value;
  }
  return merged;
}

}  // namespace expertoire::train
