#include "train/config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "model/config_reader.h"

namespace expertoire::train {
namespace {

constexpr std::array<std::string_view, 5> kKindNames = {"dense", "smoe", "peer", "monet_hd",
                                                        "monet_vd"};

void read_decoder(ConfigReader& reader, ModelShape& shape) {
  shape.vocab_size = reader.integer("vocab_size", {});
  shape.hidden_size = reader.integer("hidden_size", {}, 2);
  shape.layers = reader.integer("num_hidden_layers", {}, 1, 4096);
  shape.heads = reader.integer("num_attention_heads", {});
  shape.kv_heads = reader.integer("num_key_value_heads", shape.heads);
  shape.max_positions = reader.integer("max_position_embeddings", 2048);
  shape.rope_theta = reader.positive("rope_theta", shape.rope_theta);
  shape.rms_norm_eps = reader.positive("rms_norm_eps", shape.rms_norm_eps);
  shape.tied = reader.boolean("tie_word_embeddings", false);
  shape.initializer_range = reader.positive("initializer_range", shape.initializer_range);
  if (shape.hidden_size % shape.heads != 0 || shape.head_dim() % 2 != 0) {
    reader.bad("hidden_size",
               fmt::format("an even multiple of num_attention_heads = {}", shape.heads));
  }
  if (shape.heads % shape.kv_heads != 0) {
    reader.bad("num_key_value_heads",
               fmt::format("a divisor of num_attention_heads = {}", shape.heads));
  }
}

void read_smoe(ConfigReader& reader, ModelShape& shape) {
  shape.num_experts = reader.integer("num_experts", {});
  shape.experts_per_token = reader.integer("num_experts_per_tok", {}, 1, shape.num_experts);
  shape.balance_coef = reader.number("balance_coef", shape.balance_coef);
  shape.z_coef = reader.number("z_coef", shape.z_coef);
}

void read_peer(ConfigReader& reader, ModelShape& shape) {
  shape.peer_keys = reader.integer("peer_keys", {}, 1, 1 << 15);
  shape.peer_key_dim = reader.integer("peer_key_dim", {}, 2);
  shape.peer_heads = reader.integer("peer_heads", {});
  shape.peer_topk = reader.integer("peer_topk", {}, 1, shape.peer_keys);
  if (shape.peer_key_dim % 2 != 0) reader.bad("peer_key_dim", "an even number");
}

void read_monet(ConfigReader& reader, ModelShape& shape) {
  // int32 offsets and keys in the kernels: a head's keys fit many times over.
  shape.moe_experts = reader.integer("moe_experts", {}, 2, 1 << 15);
  shape.moe_topk = reader.integer("moe_topk", {}, 1, shape.moe_experts - 1);
  shape.moe_heads = reader.integer("moe_heads", {}, 1, 1 << 10);
  shape.moe_dim = reader.integer("moe_dim", {});
  shape.moe_groups = reader.integer("moe_groups", 1);
  shape.router_momentum = reader.positive("router_momentum", shape.router_momentum);
  shape.router_initializer_range =
      reader.positive("router_initializer_range", shape.initializer_range);
  shape.lambda_unif = reader.number("lambda_unif", shape.lambda_unif);
  shape.lambda_amb = reader.number("lambda_amb", shape.lambda_amb);
  const std::string norm = reader.text("moe_router_norm", "head");
  if (norm != "head" && norm != "key") reader.bad("moe_router_norm", "\"head\" or \"key\"");
  shape.router_norm = norm == "key" ? RouterNorm::kKey : RouterNorm::kHead;
  if (shape.kind == FfnKind::kMonetVd && (shape.moe_dim % 2 != 0 || shape.hidden_size % 2 != 0)) {
    reader.bad("moe_dim", "an even number: vertical experts are made of two halves");
  }
}

// One file may serve all five kinds, as those of the goldens do.
void ignore_other_kinds(ConfigReader& reader) {
  for (const char* key : {"hidden_act",
                          "num_experts",
                          "num_experts_per_tok",
                          "balance_coef",
                          "z_coef",
                          "peer_keys",
                          "peer_key_dim",
                          "peer_heads",
                          "peer_topk",
                          "moe_experts",
                          "moe_topk",
                          "moe_heads",
                          "moe_dim",
                          "moe_groups",
                          "moe_router_norm",
                          "router_momentum",
                          "router_initializer_range",
                          "lambda_unif",
                          "lambda_amb",
                          "intermediate_size"}) {
    reader.ignore(key);
  }
}

}  // namespace

std::string_view kind_name(FfnKind kind) { return kKindNames[static_cast<size_t>(kind)]; }

ModelShape parse_model_shape(const nlohmann::json& json, const std::string& what) {
  ConfigReader reader(json, what);
  ModelShape shape;
  const std::string kind = reader.text("kind", "");
  const auto* const found = std::find(kKindNames.begin(), kKindNames.end(), kind);
  if (found == kKindNames.end()) {
    reader.bad("kind", fmt::format("one of {}", fmt::join(kKindNames, ", ")));
  }
  shape.kind = static_cast<FfnKind>(found - kKindNames.begin());
  read_decoder(reader, shape);
  switch (shape.kind) {
    case FfnKind::kDense: break;
    case FfnKind::kSmoe: read_smoe(reader, shape); break;
    case FfnKind::kPeer: read_peer(reader, shape); break;
    case FfnKind::kMonetHd:
    case FfnKind::kMonetVd: read_monet(reader, shape); break;
  }
  if (shape.kind == FfnKind::kDense || shape.kind == FfnKind::kSmoe) {
    shape.intermediate_size = reader.integer("intermediate_size", {});
  }
  ignore_other_kinds(reader);
  reader.refuse_unknown();
  return shape;
}

}  // namespace expertoire::train
