// Model folders with random weights, small enough to run hundreds of times, that tests may change.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/model.h"
#include "support/temp_dir.h"

namespace expertoire::test {

/// Row-major values of one tensor.
struct MiniatureTensor {
  std::vector<int64_t> shape;
  std::vector<float> values;

  int64_t columns() const { return shape.back(); }
  float* row(int64_t index) { return values.data() + index * columns(); }
  const float* row(int64_t index) const { return values.data() + index * columns(); }
};

/// A checkpoint before it is written: what Model::load reads, open to changes.
struct Miniature {
  nlohmann::json config;
  std::map<std::string, MiniatureTensor> tensors;

  /// Random weights for a configuration, spread so that routing differs from token to token and
  /// activations stay near one. Same seed, same weights.
  static Miniature of(nlohmann::json config, uint64_t seed = 1);
  /// One of miniature_names().
  static Miniature random(const std::string& name, uint64_t seed = 1);

  /// config.json and model.safetensors (F32) into `folder`.
  void write(const std::string& folder) const;
  /// Written to a folder of its own and loaded. The folder may go: the mapped file stays.
  std::shared_ptr<const Model> load(Compute compute = Compute::kF32, int threads = 1) const;
};

/// Between them they have everything that a family may have: shared experts with and without gate,
/// dense layers in both patterns, q/k norms, clipping, biases, grouped queries, tied embeddings,
/// Monet's two decompositions and both norms of its router, PEER, scaled rope, odd hidden sizes and
/// widths, heads of 10 to 72 dimensions, router matrices of more than one panel.
const std::vector<std::string>& miniature_names();
/// Those with a router row and a SwiGLU block for each expert.
std::vector<std::string> top_k_miniature_names();
nlohmann::json miniature_config(const std::string& name);

}  // namespace expertoire::test
