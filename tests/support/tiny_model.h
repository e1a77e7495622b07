// An OLMoE model of two layers that a test builds, breaks and loads.
#pragma once

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "base/half.h"
#include "io/safetensors.h"
#include "support/temp_dir.h"

namespace expertoire::test {

class TinyModel {
 public:
  static constexpr int kHidden = 8, kVocab = 16, kExperts = 2, kWidth = 4, kLayers = 2;

  TinyModel() {
    add("model.embed_tokens.weight", {kVocab, kHidden});
    add("lm_head.weight", {kVocab, kHidden});
    add("model.norm.weight", {kHidden});
    for (int layer = 0; layer < kLayers; ++layer) add_layer(layer);
  }

  /// The weights of a tensor; those of layer L are named without "model.layers.".
  std::vector<float>& at(const std::string& name) {
    const auto found = tensors_.find(name);
    return found != tensors_.end() ? found->second.values
                                   : tensors_.at("model.layers." + name).values;
  }

  /// Writes the folder that Model::load takes. `dtype`: F32, BF16 or F16.
  std::string write(const TempDir& dir, DType dtype = DType::kF32) const {
    dir.write("config.json", R"({"model_type": "olmoe", "vocab_size": 16, "hidden_size": 8,
      "intermediate_size": 4, "num_hidden_layers": 2, "num_attention_heads": 2,
      "num_experts": 2, "num_experts_per_tok": 2, "max_position_embeddings": 64})");
    std::map<std::string, std::string> bytes;
    std::vector<NamedTensor> named;
    for (const auto& [name, tensor] : tensors_) {
      std::string& raw = bytes[name];
      for (const float value : tensor.values) raw += stored(value, dtype);
      named.push_back(
          {name,
           {dtype, tensor.shape, reinterpret_cast<const std::byte*>(raw.data()), raw.size()}});
    }
    write_safetensors(dir.file("model.safetensors"), named);
    return dir.path();
  }

 private:
  struct Tensor {
    std::vector<int64_t> shape;
    std::vector<float> values;
  };

  // Cut, not rounded; below the smallest normal number zero.
  static uint16_t f16_bits(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    const uint32_t sign = bits >> 16 & 0x8000;
    const int exponent = static_cast<int>(bits >> 23 & 0xff) - 127 + 15;
    const uint32_t mantissa = bits >> 13 & 0x3ff;
    if (exponent > 30) return static_cast<uint16_t>(sign | 0x7c00 | mantissa);
    return static_cast<uint16_t>(
        exponent <= 0 ? sign : sign | static_cast<uint32_t>(exponent) << 10 | mantissa);
  }

  static std::string stored(float value, DType dtype) {
    if (dtype == DType::kF32) return {reinterpret_cast<const char*>(&value), sizeof value};
    const uint16_t half = dtype == DType::kBF16 ? f32_to_bf16(value) : f16_bits(value);
    return {reinterpret_cast<const char*>(&half), sizeof half};
  }

  void add(const std::string& name, std::vector<int64_t> shape) {
    size_t count = 1;
    for (const int64_t size : shape) count *= static_cast<size_t>(size);
    std::vector<float> values(count, 1.0F);
    if (shape.size() > 1) {
      for (float& value : values) value = next();
    }
    tensors_[name] = {std::move(shape), std::move(values)};
  }

  void add_layer(int layer) {
    const std::string at = "model.layers." + std::to_string(layer) + ".";
    for (const char* name :
         {"input_layernorm", "post_attention_layernorm", "self_attn.q_norm", "self_attn.k_norm"}) {
      add(at + name + ".weight", {kHidden});
    }
    for (const char* name : {"q", "k", "v", "o"}) {
      add(at + "self_attn." + name + "_proj.weight", {kHidden, kHidden});
    }
    add(at + "mlp.gate.weight", {kExperts, kHidden});
    for (int expert = 0; expert < kExperts; ++expert) {
      const std::string mlp = at + "mlp.experts." + std::to_string(expert) + ".";
      add(mlp + "gate_proj.weight", {kWidth, kHidden});
      add(mlp + "up_proj.weight", {kWidth, kHidden});
      add(mlp + "down_proj.weight", {kHidden, kWidth});
    }
  }

  // Numbers in [−0.5, 0.5), the same in every run.
  float next() {
    state_ = state_ * 1664525 + 1013904223;
    return static_cast<float>(state_ >> 8) / 16777216.0F - 0.5F;
  }

  std::map<std::string, Tensor> tensors_;
  uint32_t state_ = 1;
};

}  // namespace expertoire::test
