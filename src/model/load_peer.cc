#include "model/load_peer.h"

#include <fmt/format.h>

#include <cmath>

namespace expertoire {
namespace {

constexpr double kBatchNormEps = 1e-5;  // torch.nn.BatchNorm1d's default

// y = (x − mean) · scale + shift, of BatchNorm's running statistics and of the query's bias.
void read_norm(const std::string& mlp, int64_t queries, WeightReader& reader,
               PeerFfn::Weights& weights) {
  const std::string norm = mlp + "query_norm.";
  weights.mean = reader.vector(norm + "running_mean", queries);
  weights.shift = reader.vector(norm + "bias", queries);
  weights.scale = reader.vector(norm + "weight", queries);
  const std::vector<float> variance = reader.vector(norm + "running_var", queries);
  for (size_t i = 0; i < variance.size(); ++i) {
    weights.scale[i] =
        static_cast<float>(weights.scale[i] / std::sqrt(variance[i] + kBatchNormEps));
  }
  reader.ignore(norm + "num_batches_tracked");
  if (!reader.has(mlp + "query.bias")) return;
  const std::vector<float> bias = reader.vector(mlp + "query.bias", queries);
  for (size_t i = 0; i < bias.size(); ++i) weights.mean[i] -= bias[i];
}

}  // namespace

std::unique_ptr<Ffn> load_peer(const ModelConfig& config, int layer, WeightReader& reader) {
  const PeerConfig& peer = config.peer;
  const std::string mlp = fmt::format("model.layers.{}.mlp.", layer);
  const int64_t queries = peer.heads * peer.key_dim;
  PeerFfn::Weights weights;
  weights.rule = {peer.heads, peer.keys, peer.top_k};
  weights.query = reader.matrix(mlp + "query.weight", queries, config.hidden_size, Compute::kF32);
  read_norm(mlp, queries, reader, weights);
  for (size_t side = 0; side < 2; ++side) {
    weights.keys[side] = reader.matrix(fmt::format("{}keys{}", mlp, side + 1), peer.keys,
                                       peer.key_dim / 2, Compute::kF32);
  }
  weights.down = &reader.table(mlp + "down", config.num_experts, config.hidden_size);
  weights.up = &reader.table(mlp + "up", config.num_experts, config.hidden_size);
  return std::make_unique<PeerFfn>(layer, std::move(weights));
}

}  // namespace expertoire
