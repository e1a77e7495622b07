// A model in memory: const, shared by all sessions.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ffn/ffn.h"
#include "io/checkpoint.h"
#include "model/attention.h"
#include "model/config.h"
#include "tensor/dtype.h"

namespace expertoire {

struct DecoderLayer {
  std::vector<float> input_norm;  ///< [hidden_size]
  AttentionWeights attention;
  std::vector<float> ffn_norm;  ///< [hidden_size]
  std::unique_ptr<Ffn> ffn;
};

struct LoadOptions {
  Compute compute = Compute::kF32;
  bool lm_head = true;  ///< embeddings do without
  int threads = 0;
  std::function<void(int64_t done, int64_t total)> progress;  ///< in layers
};

class Model {
 public:
  /// Loads a Hugging Face folder (config.json, weights). Errors: those of parse_config, Checkpoint
  /// and WeightReader.
  static std::shared_ptr<const Model> load(const std::string& folder, const LoadOptions& options);

  const ModelConfig& config() const { return config_; }
  Compute compute() const { return compute_; }
  const std::string& folder() const { return folder_; }
  /// Tells models of one shape apart: Checkpoint::sample of its weights, and its own edit.
  std::string weights_sample() const;
  /// What lies in its folder beside the weights (own_edit.h); all sessions run under it.
  const RoutingEdit& own_edit() const { return own_edit_; }
  const std::vector<DecoderLayer>& layers() const { return layers_; }
  const std::vector<float>& final_norm() const { return final_norm_; }
  /// [vocab_size, hidden_size]; empty when loaded without.
  const PackedMatrix& lm_head() const { return lm_head_; }
  /// Embedding of one token as f32 [hidden_size]. The table stays in the mapped file.
  void embed(int32_t id, float* out) const;
  /// The routing stage that the MoEE paper's code takes from this family.
  Stage embedding_stage() const;
  /// Bytes of packed weights.
  int64_t weight_bytes() const;

 private:
  Model(std::string folder, Checkpoint checkpoint);
  std::string folder_;
  Checkpoint checkpoint_;
  ModelConfig config_;
  RoutingEdit own_edit_;
  Compute compute_ = Compute::kF32;
  const TensorView* embeddings_ = nullptr;
  std::vector<DecoderLayer> layers_;
  std::vector<float> final_norm_;
  PackedMatrix lm_head_;
};

}  // namespace expertoire
