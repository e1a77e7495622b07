#include "support/planted.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

namespace expertoire::test {
namespace {

using nlohmann::json;

constexpr int kHidden = 32;
constexpr int kClasses = 4;
constexpr float kWeight = 0.5F;  // × √32 after the norm: a logit of 2.8

void fill(Miniature& model, const std::string& name, float value) {
  std::ranges::fill(model.tensors.at(name).values, value);
}

// Row c of the matrix sees the tokens of class c.
void see_classes(Miniature& model, const std::string& name, int layer) {
  MiniatureTensor& tensor = model.tensors.at(name);
  std::ranges::fill(tensor.values, 0.0F);
  for (int token = 0; token < kPlantedVocab; ++token) {
    tensor.row(planted_class(layer, token))[token] = kWeight;
  }
}

Miniature planted(json config) {
  config.update({{"vocab_size", kPlantedVocab},
                 {"hidden_size", kHidden},
                 {"num_hidden_layers", 2},
                 {"num_attention_heads", 4},
                 {"num_key_value_heads", 4},
                 {"max_position_embeddings", 64}});
  Miniature model = Miniature::of(std::move(config));
  fill(model, "model.embed_tokens.weight", 0);
  for (int token = 0; token < kPlantedVocab; ++token) {
    model.tensors.at("model.embed_tokens.weight").row(token)[token] = 1;
  }
  for (int layer = 0; layer < 2; ++layer) {
    const std::string prefix = fmt::format("model.layers.{}.", layer);
    fill(model, prefix + "self_attn.o_proj.weight", 0);
    fill(model, prefix + "post_attention_layernorm.weight", 1);
  }
  return model;
}

}  // namespace

int planted_class(int layer, int token) {
  if (layer == 1) return token % kClasses;
  const char letter = static_cast<char>(token < 3 ? ' ' : 'a' + token - 3);
  if (letter == ' ') return 3;
  if (std::string("aeiou").find(letter) != std::string::npos) return 0;
  return letter <= 'm' ? 1 : 2;
}

Miniature planted_top_k() {
  Miniature model = planted({{"model_type", "olmoe"},
                             {"num_experts", kClasses},
                             {"num_experts_per_tok", 1},
                             {"intermediate_size", 8}});
  for (int layer = 0; layer < 2; ++layer) {
    const std::string mlp = fmt::format("model.layers.{}.mlp.", layer);
    see_classes(model, mlp + "gate.weight", layer);
    for (int expert = 0; expert < kClasses; ++expert) {
      fill(model, fmt::format("{}experts.{}.down_proj.weight", mlp, expert), 0);
    }
  }
  return model;
}

Miniature planted_speakers() {
  Miniature model = planted_top_k();
  fill(model, "lm_head.weight", 0);
  fill(model, "model.norm.weight", 1);
  const auto row = [&](const std::string& name, int64_t at) {
    return model.tensors.at(name).row(at);
  };
  for (int token = 0; token < kPlantedVocab; ++token) {
    const int of_token = planted_class(0, token);
    for (int c = 0; c < kClasses - 1; ++c) {  // its channel follows those of the tokens
      const std::string expert = fmt::format("model.layers.0.mlp.experts.{}.", c);
      const int channel = kPlantedVocab + c;
      row(expert + "down_proj.weight", channel)[0] = 4;
      if (of_token == c) {
        row(expert + "gate_proj.weight", 0)[token] = 0.25F;
        row(expert + "up_proj.weight", 0)[token] = 0.25F;
      }
      if (of_token == c || token == planted_token(' ')) {
        row("lm_head.weight", token)[channel] = 1;
      }
    }
  }
  return model;
}

Miniature planted_monet() {
  Miniature model = planted({{"model_type", "monet"},
                             {"hidden_act", "relu2"},
                             {"moe_decompose", "vertical"},
                             {"moe_experts", kClasses},
                             {"moe_heads", 1},
                             {"moe_topk", 1},
                             {"moe_dim", 4},
                             {"moe_groups", 1}});
  for (int layer = 0; layer < 2; ++layer) {
    const std::string prefix = fmt::format("model.layers.{}.", layer);
    for (int side = 1; side <= 2; ++side) {
      const std::string router = prefix + "router.";
      see_classes(model, fmt::format("{}w{}.weight", router, side), side == 1 ? layer : 1 - layer);
      fill(model, fmt::format("{}norm{}.running_mean", router, side), 0);
      fill(model, fmt::format("{}norm{}.running_var", router, side), 1);
    }
    for (const char* part : {"v11.weight", "v12.weight", "v21.weight", "v22.weight", "b1", "b2"}) {
      fill(model, prefix + "moe." + part, 0);
    }
  }
  return model;
}

void write_planted(const Miniature& model, const std::string& folder) {
  model.write(folder);
  json vocab = {{"<|endoftext|>", 0}, {"Ġ", 1}, {"Ċ", 2}};
  for (char c = 'a'; c <= 'z'; ++c) vocab[std::string(1, c)] = planted_token(c);
  const json byte_level = {{"type", "ByteLevel"},
                           {"add_prefix_space", false},
                           {"trim_offsets", true},
                           {"use_regex", true}};
  const json tokenizer = {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens",
       {{{"id", 0},
         {"content", "<|endoftext|>"},
         {"single_word", false},
         {"lstrip", false},
         {"rstrip", false},
         {"normalized", false},
         {"special", true}}}},
      {"normalizer", nullptr},
      {"pre_tokenizer", byte_level},
      {"post_processor", nullptr},
      {"decoder", byte_level},
      {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", json::array()}}}};
  std::ofstream(folder + "/tokenizer.json") << tokenizer.dump(1);
  std::ofstream(folder + "/tokenizer_config.json") << R"({"eos_token": "<|endoftext|>"})";
}

}  // namespace expertoire::test
