#include "train/torch/model_files.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "io/atomic_file.h"
#include "io/checkpoint.h"
#include "io/json.h"
#include "train/hf_layout.h"
#include "train/torch/tensor_files.h"

namespace expertoire::train {
namespace {

void add_smoe_zeros(const ModelShape& shape, const std::string& prefix, TensorList& tensors) {
  const int64_t d = shape.hidden_size;
  const int64_t kv = shape.kv_heads * shape.head_dim();
  tensors.emplace_back(prefix + "self_attn.q_proj.bias", at::zeros({d}));
  tensors.emplace_back(prefix + "self_attn.k_proj.bias", at::zeros({kv}));
  tensors.emplace_back(prefix + "self_attn.v_proj.bias", at::zeros({kv}));
  tensors.emplace_back(prefix + "mlp.shared_expert.gate_proj.weight", at::zeros({1, d}));
  tensors.emplace_back(prefix + "mlp.shared_expert.up_proj.weight", at::zeros({1, d}));
  tensors.emplace_back(prefix + "mlp.shared_expert.down_proj.weight", at::zeros({d, 1}));
  tensors.emplace_back(prefix + "mlp.shared_expert_gate.weight", at::zeros({1, d}));
}

void add_layer_extras(const ModelShape& shape, int64_t layer, int64_t step, TensorList& tensors) {
  const std::string prefix = fmt::format("model.layers.{}.", layer);
  if (shape.kind == FfnKind::kSmoe) add_smoe_zeros(shape, prefix, tensors);
  if (shape.kind == FfnKind::kPeer) {
    tensors.emplace_back(prefix + "mlp.query.bias",
                         at::zeros({shape.peer_heads * shape.peer_key_dim}));
  }
  if (shape.routes(layer)) {
    for (const char* norm : {"norm1", "norm2"}) {
      tensors.emplace_back(fmt::format("{}router.{}.num_batches_tracked", prefix, norm),
                           at::zeros({}, at::kLong).fill_(step));
    }
  }
}

}  // namespace

void write_model(const std::string& folder, const ModelShape& shape, const Parameters& parameters,
                 int64_t eos_id, int64_t step) {
  TensorList tensors;
  for (const Parameter& parameter : parameters.all()) {
    tensors.emplace_back(parameter.name, parameter.tensor.to(at::kFloat));
  }
  for (int64_t layer = 0; layer < shape.layers; ++layer) {
    add_layer_extras(shape, layer, step, tensors);
  }
  write_tensors(folder + "/model.safetensors", tensors, {{"format", "pt"}});
  write_file(folder + "/config.json", hf_config(shape, eos_id, "float32").dump(1) + "\n");
}

void read_model(const std::string& folder, const Parameters& parameters) {
  const Checkpoint checkpoint = Checkpoint::open(folder);
  for (const Parameter& parameter : parameters.all()) {
    load_into(parameter.tensor, checkpoint.tensor(parameter.name), parameter.name, folder);
  }
}

nlohmann::json read_model_json(const std::string& folder) {
  const std::string path = folder + "/config.json";
  return model_of_hf_config(read_json_file(path), path);
}

void copy_tokenizer(const std::string& from, const std::string& to) {
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
                           "generation_config.json"}) {
    const std::string source = from + "/" + name;
    if (std::filesystem::exists(source)) write_file(to + "/" + name, read_text_file(source));
  }
}

}  // namespace expertoire::train
