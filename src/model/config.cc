#include "model/config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "io/refuse.h"
#include "io/token_ids.h"
#include "model/config_reader.h"
#include "model/config_size.h"
#include "model/family/family.h"
#include "model/rope.h"

namespace expertoire {
namespace {

using nlohmann::json;

// Far above any model, and small enough that products of two of them fit in 64 bits.
constexpr int64_t kMaxLayers = 4096;
constexpr int64_t kMaxHeads = 1 << 16;
constexpr int64_t kMaxExperts = 1 << 20;
constexpr int64_t kMaxKeys = 1 << 12;  // 2²⁴ joint experts
constexpr int64_t kMaxVocabulary = 1 << 24;
constexpr double kMaxParameters = 1e15;

// Keys that every configuration of transformers may write and that change no result here:
// metadata, training, generation defaults, and how Python runs the model.
constexpr const char* kHarmless[] = {"architectures",
                                     "attention_dropout",
                                     "attn_implementation",
                                     "auto_map",
                                     "aux_loss_alpha",
                                     "bad_words_ids",
                                     "begin_suppress_tokens",
                                     "bos_token_id",
                                     "chunk_size_feed_forward",
                                     "decoder_start_token_id",
                                     "dtype",
                                     "ep_size",
                                     "exponential_decay_length_penalty",
                                     "finetuning_task",
                                     "forced_bos_token_id",
                                     "forced_eos_token_id",
                                     "id2label",
                                     "initializer_range",
                                     "is_decoder",
                                     "label2id",
                                     "length_penalty",
                                     "max_length",
                                     "max_window_layers",
                                     "min_length",
                                     "num_beam_groups",
                                     "num_beams",
                                     "num_return_sequences",
                                     "output_attentions",
                                     "output_hidden_states",
                                     "output_router_logits",
                                     "output_scores",
                                     "pad_token_id",
                                     "prefix",
                                     "pretraining_tp",
                                     "problem_type",
                                     "repetition_penalty",
                                     "return_dict",
                                     "return_dict_in_generate",
                                     "router_aux_loss_coef",
                                     "router_jitter_noise",
                                     "sep_token_id",
                                     "seq_aux",
                                     "suppress_tokens",
                                     "task_specific_params",
                                     "temperature",
                                     "tf_legacy_loss",
                                     "tie_encoder_decoder",
                                     "tokenizer_class",
                                     "top_k",
                                     "top_p",
                                     "torch_dtype",
                                     "torchscript",
                                     "transformers_version",
                                     "typical_p",
                                     "unsloth_version",
                                     "use_bfloat16",
                                     "use_cache",
                                     "diversity_penalty",
                                     "early_stopping",
                                     "encoder_no_repeat_ngram_size",
                                     "no_repeat_ngram_size",
                                     "do_sample",
                                     "remove_invalid_values"};

void read_attention(ConfigReader& reader, const FamilySpec& family, ModelConfig& config) {
  config.num_attention_heads =
      static_cast<int>(reader.integer("num_attention_heads", {}, 1, kMaxHeads));
  config.num_key_value_heads = static_cast<int>(
      reader.integer("num_key_value_heads", config.num_attention_heads, 1, kMaxHeads));
  if (config.num_attention_heads % config.num_key_value_heads != 0) {
    reader.bad("num_key_value_heads",
               fmt::format("a divisor of num_attention_heads = {}", config.num_attention_heads));
  }
  const bool stated = reader.has("head_dim");
  if (!stated && config.hidden_size % config.num_attention_heads != 0) {
    reader.bad("hidden_size",
               fmt::format("a multiple of num_attention_heads = {}", config.num_attention_heads));
  }
  // Families without the key in their configuration class read it all the same when it is there.
  config.head_dim =
      stated ? reader.integer("head_dim", {}) : config.hidden_size / config.num_attention_heads;
  if (config.head_dim % 2 != 0) reader.bad(stated ? "head_dim" : "hidden_size", "an even head_dim");
  if (!family.qkv_bias_key.empty()) {
    config.qkv_bias = reader.boolean(std::string(family.qkv_bias_key), family.qkv_bias_default);
  }
  reader.require("attention_bias", config.qkv_bias && family.o_bias);
  config.o_bias = config.qkv_bias && family.o_bias;
  config.qk_norm = family.qk_norm;
  if (family.clip_qkv) {
    config.clip_qkv = static_cast<float>(reader.number("clip_qkv", 0.0));
    if (reader.has("clip_qkv") && config.clip_qkv <= 0) reader.bad("clip_qkv", "a positive number");
  }
}

// A window that never cuts anything off is no window; one that is not used may say anything
// (transformers 5 writes 0).
void check_window(ConfigReader& reader, const ModelConfig& config) {
  reader.ignore("sliding_window");
  if (reader.boolean("use_sliding_window", true)) {
    const int64_t most = config.max_position_embeddings;
    if (reader.integer("sliding_window", most) < most) {
      reader.unsupported("sliding_window", "null, or no smaller than max_position_embeddings");
    }
  }
  for (const json& type : reader.list("layer_types")) {
    if (type != "full_attention") reader.unsupported("layer_types", "only \"full_attention\"");
  }
}

std::vector<bool> sparse_layers_of(ConfigReader& reader, const FamilySpec& family, int layers) {
  std::vector<bool> sparse(static_cast<size_t>(layers), family.sparse == SparseRule::kAll);
  if (family.sparse == SparseRule::kDeepSeek) {
    const int64_t first = reader.integer("first_k_dense_replace", 0, 0);
    const int64_t step = reader.integer("moe_layer_freq", 1);
    for (int i = 0; i < layers; ++i) sparse[static_cast<size_t>(i)] = i >= first && i % step == 0;
  }
  if (family.sparse == SparseRule::kQwen) {
    const int64_t step = reader.integer("decoder_sparse_step", 1);
    for (int i = 0; i < layers; ++i) sparse[static_cast<size_t>(i)] = (i + 1) % step == 0;
    for (const json& layer : reader.list("mlp_only_layers")) {
      if (!layer.is_number_integer() || layer < 0 || layer >= layers) {
        reader.bad("mlp_only_layers", fmt::format("layers from 0 to {}", layers - 1));
      }
      sparse[layer.get<size_t>()] = false;
    }
  }
  return sparse;
}

// transformers takes either of two names, and its version 5 writes another one than version 4 did.
std::string experts_key(ConfigReader& reader, const FamilySpec& family) {
  const std::string own(family.num_experts_key);
  const std::string other = own == "num_experts" ? "num_local_experts" : "num_experts";
  if (!reader.has(own)) return reader.has(other) ? other : own;
  reader.require(other, reader.raw(own));
  return own;
}

// Defaults are those of MonetConfig in the authors' code; moe_router_norm is ours.
void read_monet(ConfigReader& reader, ModelConfig& config) {
  MonetConfig& monet = config.monet;
  const std::string decompose = reader.text("moe_decompose", "");
  if (decompose != "vertical" && decompose != "horizontal") {
    reader.bad("moe_decompose", "\"vertical\" or \"horizontal\"");
  }
  monet.vertical = decompose == "vertical";
  monet.keys = static_cast<int>(reader.integer("moe_experts", 512, 1, kMaxKeys));
  monet.heads = static_cast<int>(reader.integer("moe_heads", 8, 1, kMaxHeads));
  monet.top_k = static_cast<int>(reader.integer("moe_topk", 32, 1, kMaxKeys));
  if (monet.top_k > monet.keys) {
    reader.bad("moe_topk", fmt::format("at most moe_experts = {}", monet.keys));
  }
  monet.group = static_cast<int>(reader.integer("moe_groups", 4, 1, kMaxLayers));
  monet.width = reader.integer("moe_dim", 8);
  if (monet.vertical && monet.width % 2 != 0) reader.bad("moe_dim", "an even number");
  if (monet.vertical && config.hidden_size % 2 != 0) reader.bad("hidden_size", "an even number");
  const std::string norm = reader.text("moe_router_norm", "head");
  if (norm != "head" && norm != "key") reader.bad("moe_router_norm", "\"head\" or \"key\"");
  monet.norm_per_key = norm == "key";
  config.num_experts = monet.keys * monet.keys;
}

void read_peer(ConfigReader& reader, ModelConfig& config) {
  PeerConfig& peer = config.peer;
  peer.keys = static_cast<int>(reader.integer("peer_keys", {}, 1, kMaxKeys));
  peer.key_dim = reader.integer("peer_key_dim", {}, 2, kMaxHeads);
  if (peer.key_dim % 2 != 0) reader.bad("peer_key_dim", "an even number");
  peer.heads = static_cast<int>(reader.integer("peer_heads", {}, 1, kMaxKeys));
  peer.top_k = static_cast<int>(reader.integer("peer_topk", {}, 1, kMaxKeys));
  if (peer.top_k > peer.keys) {
    reader.bad("peer_topk", fmt::format("at most peer_keys = {}", peer.keys));
  }
  config.num_experts = peer.keys * peer.keys;
  config.router = {.top_k = peer.heads * peer.top_k, .norm_topk_prob = true};
}

void read_experts(ConfigReader& reader, const FamilySpec& family, ModelConfig& config) {
  config.sparse = sparse_layers_of(reader, family, config.num_hidden_layers);
  if (family.ffn == FfnKind::kMonet) return read_monet(reader, config);
  if (family.ffn == FfnKind::kPeer) return read_peer(reader, config);
  if (family.sparse == SparseRule::kNone) return;
  const std::string key = experts_key(reader, family);
  if (config.sparse_layers() == 0 && !reader.has(key)) return;
  config.num_experts = static_cast<int>(reader.integer(key, {}, 1, kMaxExperts));
  config.router.top_k = static_cast<int>(reader.integer("num_experts_per_tok", {}, 1, kMaxExperts));
  if (config.router.top_k > config.num_experts) {
    reader.bad("num_experts_per_tok", fmt::format("at most {} = {}", key, config.num_experts));
  }
  config.router.norm_topk_prob =
      family.norm == NormRule::kAlways || reader.boolean("norm_topk_prob", false);
  config.moe_intermediate_size = reader.integer(std::string(family.expert_width_key), {});
  if (family.shared == SharedRule::kGatedWidth) {
    config.shared_intermediate_size = reader.integer("shared_expert_intermediate_size", {});
    config.shared_gate = true;
  } else if (family.shared == SharedRule::kCount) {
    config.shared_intermediate_size =
        reader.integer("n_shared_experts", 0, 0, kMaxExperts) * config.moe_intermediate_size;
  }
}

void read_eos(ConfigReader& reader, ModelConfig& config) {
  const auto ids = token_ids(reader.raw("eos_token_id"));
  if (!ids) reader.bad("eos_token_id", "a token id, a list of them, or null");
  config.eos_token_ids = *ids;
}

// Values that a config may state, that change results, and that only have one value here.
void require_implemented(ConfigReader& reader, const FamilySpec& family) {
  reader.require("hidden_act", family.hidden_act);
  reader.require("scoring_func", "softmax");
  reader.require("topk_method", "greedy");
  reader.require("routed_scaling_factor", 1.0);
  reader.require("partial_rotary_factor", 1.0);
  reader.require("is_encoder_decoder", false);
  reader.require("add_cross_attention", false);
  if (reader.has("quantization_config")) {
    reader.unsupported("quantization_config", "weights in F32, BF16 or F16");
  }
}

void check_size(const ModelConfig& config, const std::string& what) {
  const double count = count_parameters(config, false);
  if (count <= kMaxParameters) return;
  bad_file(what, fmt::format("sizes that make {:.1e} parameters", count),
           fmt::format("at most {:.0e}", kMaxParameters));
}

const FamilySpec& family_of(ConfigReader& reader) {
  std::vector<std::string_view> known;
  for (const FamilySpec* candidate : families()) known.push_back(candidate->model_type);
  const std::string expected = fmt::format("one of {}", fmt::join(known, ", "));
  if (!reader.has("model_type")) reader.bad("model_type", expected);
  const std::string model_type = reader.text("model_type", "");
  const FamilySpec* family = find_family(model_type);
  if (family != nullptr) return *family;
  throw Error(ErrorCode::kUnsupported,
              {"reading " + reader.what(), "model_type " + in_quotes(model_type), expected,
               "convert the model to one of these families"});
}

}  // namespace

ModelConfig parse_config(const json& root, const std::string& what) {
  ConfigReader reader(root, what);
  const FamilySpec& family = family_of(reader);
  for (const char* key : kHarmless) reader.ignore(key);
  ModelConfig config;
  config.family = &family;
  config.model_type = family.model_type;
  config.vocab_size = reader.integer("vocab_size", {}, 1, kMaxVocabulary);
  config.hidden_size = reader.integer("hidden_size", {});
  config.num_hidden_layers =
      static_cast<int>(reader.integer("num_hidden_layers", {}, 1, kMaxLayers));
  config.max_position_embeddings = reader.integer("max_position_embeddings", {});
  const double eps = reader.number("rms_norm_eps", family.rms_norm_eps);
  if (eps < 0 || eps > 1) reader.bad("rms_norm_eps", "a number from 0 to 1");
  config.rms_norm_eps = static_cast<float>(eps);
  config.tie_word_embeddings = reader.boolean("tie_word_embeddings", false);
  read_attention(reader, family, config);
  config.rope = read_rope(reader, family.rope_theta, config.max_position_embeddings);
  check_window(reader, config);
  read_experts(reader, family, config);
  const bool any_dense = config.sparse_layers() < config.num_hidden_layers;
  if (any_dense) config.intermediate_size = reader.integer("intermediate_size", {});
  reader.ignore("intermediate_size");
  if (family.mlp_bias) config.mlp_bias = reader.boolean("mlp_bias", false);
  reader.require("mlp_bias", config.mlp_bias);
  read_eos(reader, config);
  require_implemented(reader, family);
  reader.refuse_unknown();
  check_size(config, what);
  return config;
}

}  // namespace expertoire
