// From a checkpoint to a Model: the one place that knows tensor names.
#include <fmt/format.h>

#include "ffn/gated_mlp.h"
#include "ffn/sparse_moe.h"
#include "io/json.h"
#include "model/family/family.h"
#include "model/load_monet.h"
#include "model/load_peer.h"
#include "model/model.h"
#include "model/own_edit.h"
#include "model/weights.h"

namespace expertoire {
namespace {

class Loader {
 public:
  Loader(const ModelConfig& config, Compute compute, WeightReader& reader)
      : config_(config), names_(config.family->tensors), compute_(compute), reader_(reader) {}

  DecoderLayer layer(int index) {
    const std::string prefix = fmt::format("model.layers.{}.", index);
    const int64_t hidden = config_.hidden_size;
    DecoderLayer layer;
    layer.input_norm = reader_.vector(prefix + "input_layernorm.weight", hidden);
    layer.attention = attention(prefix + "self_attn.");
    layer.ffn_norm = reader_.vector(prefix + "post_attention_layernorm.weight", hidden);
    if (config_.family->ffn == FfnKind::kMonet) {
      layer.ffn = load_monet(config_, index, compute_, reader_);
    } else if (config_.family->ffn == FfnKind::kPeer) {
      layer.ffn = load_peer(config_, index, reader_);
    } else if (config_.sparse[static_cast<size_t>(index)]) {
      layer.ffn = std::make_unique<SparseMoeFfn>(index, sparse(prefix));
    } else {
      layer.ffn = std::make_unique<DenseFfn>(
          mlp(prefix + "mlp.", config_.intermediate_size, config_.mlp_bias));
    }
    return layer;
  }

 private:
  AttentionWeights attention(const std::string& prefix) {
    const int64_t q = config_.q_size();
    const int64_t kv = config_.kv_size();
    AttentionWeights weights;
    weights.qkv = reader_.stacked({{prefix + "q_proj.weight", q},
                                   {prefix + "k_proj.weight", kv},
                                   {prefix + "v_proj.weight", kv}},
                                  config_.hidden_size, compute_);
    if (config_.qkv_bias) {
      std::vector<float> bias;
      for (const auto& [name, size] : {std::pair{"q", q}, std::pair{"k", kv}, std::pair{"v", kv}}) {
        const auto part = reader_.vector(fmt::format("{}{}_proj.bias", prefix, name), size);
        bias.insert(bias.end(), part.begin(), part.end());
      }
      set_bias(weights.qkv, std::move(bias));
    }
    weights.o = reader_.matrix(prefix + "o_proj.weight", config_.hidden_size, q, compute_);
    if (config_.o_bias) {
      set_bias(weights.o, reader_.vector(prefix + "o_proj.bias", config_.hidden_size));
    }
    if (config_.qk_norm != QkNorm::kNone) {
      const bool full = config_.qk_norm == QkNorm::kFull;
      weights.q_norm = reader_.vector(prefix + "q_norm.weight", full ? q : config_.head_dim);
      weights.k_norm = reader_.vector(prefix + "k_norm.weight", full ? kv : config_.head_dim);
    }
    return weights;
  }

  GatedMlp mlp(const std::string& prefix, int64_t width, bool bias) {
    const auto name = [&](std::string_view part, const char* kind) {
      return fmt::format("{}{}.{}", prefix, part, kind);
    };
    GatedMlp mlp;
    mlp.gate_up = reader_.gate_up(name(names_.gate, "weight"), name(names_.up, "weight"), width,
                                  config_.hidden_size, compute_);
    mlp.down = reader_.matrix(name(names_.down, "weight"), config_.hidden_size, width, compute_);
    if (bias) {
      set_bias(mlp.gate_up, interleave_halves(reader_.vector(name(names_.gate, "bias"), width),
                                              reader_.vector(name(names_.up, "bias"), width)));
      set_bias(mlp.down, reader_.vector(name(names_.down, "bias"), config_.hidden_size));
    }
    return mlp;
  }

  SparseMoeFfn::Weights sparse(const std::string& prefix) {
    SparseMoeFfn::Weights weights;
    weights.rule = config_.router;
    weights.router = reader_.matrix(prefix + std::string(names_.router), config_.num_experts,
                                    config_.hidden_size, Compute::kF32);
    for (int e = 0; e < config_.num_experts; ++e) {
      const std::string expert = fmt::format(fmt::runtime(names_.expert), fmt::arg("e", e));
      weights.experts.push_back(mlp(prefix + expert, config_.moe_intermediate_size, false));
    }
    if (config_.shared_intermediate_size > 0) {
      weights.shared =
          mlp(prefix + std::string(names_.shared), config_.shared_intermediate_size, false);
      if (config_.shared_gate) {
        weights.shared_gate = reader_.matrix(prefix + std::string(names_.shared_gate), 1,
                                             config_.hidden_size, Compute::kF32);
      }
    }
    return weights;
  }

  const ModelConfig& config_;
  const FfnTensors& names_;
  Compute compute_;
  WeightReader& reader_;
};

}  // namespace

std::shared_ptr<const Model> Model::load(const std::string& folder, const LoadOptions& options) {
  const std::string config_path = folder + "/config.json";
  const ModelConfig config = parse_config(read_json_file(config_path), config_path);
  std::shared_ptr<Model> model(new Model(folder, Checkpoint::open(folder)));
  model->config_ = config;
  model->own_edit_ = read_own_edit(folder);
  model->compute_ = options.compute;
  Executor executor(options.threads);
  WeightReader reader(model->checkpoint_, executor);
  Loader loader(config, options.compute, reader);
  const std::vector<int64_t> table = {config.vocab_size, config.hidden_size};
  model->embeddings_ = &reader.take("model.embed_tokens.weight", table);
  for (int layer = 0; layer < config.num_hidden_layers; ++layer) {
    model->layers_.push_back(loader.layer(layer));
    if (options.progress) options.progress(layer + 1, config.num_hidden_layers);
  }
  model->final_norm_ = reader.vector("model.norm.weight", config.hidden_size);
  const std::string head =
      config.tie_word_embeddings ? "model.embed_tokens.weight" : "lm_head.weight";
  if (options.lm_head) {
    model->lm_head_ = reader.matrix(head, config.vocab_size, config.hidden_size, options.compute);
  } else {
    reader.take(head, table);
  }
  if (config.tie_word_embeddings) reader.ignore("lm_head.weight");
  reader.refuse_left_over();
  return model;
}

}  // namespace expertoire
