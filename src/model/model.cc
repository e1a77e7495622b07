#include "model/model.h"

#include "model/family/family.h"

namespace expertoire {

Model::Model(std::string folder, Checkpoint checkpoint)
    : folder_(std::move(folder)), checkpoint_(std::move(checkpoint)) {}

std::string Model::weights_sample() const {
  return checkpoint_.sample() + (own_edit_.empty() ? "" : own_edit_.to_json());
}

void Model::embed(int32_t id, float* out) const {
  read_f32(*embeddings_, id * config_.hidden_size, config_.hidden_size, out);
}

Stage Model::embedding_stage() const { return config_.family->embedding_stage; }

int64_t Model::weight_bytes() const {
  int64_t bytes = static_cast<int64_t>(lm_head_.data.size());
  for (const DecoderLayer& layer : layers_) {
    bytes += static_cast<int64_t>(layer.attention.qkv.data.size() + layer.attention.o.data.size());
    bytes += layer.ffn->weight_bytes();
  }
  return bytes;
}

}  // namespace expertoire
