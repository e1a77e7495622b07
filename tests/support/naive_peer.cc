#include "support/naive_peer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace expertoire::test {
namespace {

double product(const float* row, const double* x, size_t size) {
  double sum = 0.0;
  for (size_t i = 0; i < size; ++i) sum += static_cast<double>(row[i]) * x[i];
  return sum;
}

bool has(const std::vector<int>& experts, int expert) {
  return std::find(experts.begin(), experts.end(), expert) != experts.end();
}

Row norm(const Miniature& model, const std::string& mlp, const Row& q) {
  const auto value = [&](const char* part, size_t i) {
    return static_cast<double>(model.tensors.at(mlp + part).values[i]);
  };
  const bool biased = model.tensors.contains(mlp + "query.bias");
  Row out;
  for (size_t i = 0; i < q.size(); ++i) {
    const double biased_q = q[i] + (biased ? value("query.bias", i) : 0.0);
    out.push_back((biased_q - value("query_norm.running_mean", i)) /
                      std::sqrt(value("query_norm.running_var", i) + 1e-5) *
                      value("query_norm.weight", i) +
                  value("query_norm.bias", i));
  }
  return out;
}

}  // namespace

Row naive_peer_logits(const Miniature& model, int layer, const Row& x) {
  const PeerConfig peer = parse_config(model.config, "a miniature").peer;
  const std::string mlp = fmt::format("model.layers.{}.mlp.", layer);
  const MiniatureTensor& query = model.tensors.at(mlp + "query.weight");
  Row q;
  for (int64_t i = 0; i < query.shape[0]; ++i) {
    q.push_back(product(query.row(i), x.data(), x.size()));
  }
  q = norm(model, mlp, q);
  Row logits;
  const size_t half = static_cast<size_t>(peer.key_dim / 2);
  for (size_t side = 0; side < 2; ++side) {
    const MiniatureTensor& keys = model.tensors.at(fmt::format("{}keys{}", mlp, side + 1));
    for (size_t h = 0; h < static_cast<size_t>(peer.heads); ++h) {
      for (int i = 0; i < peer.keys; ++i) {
        logits.push_back(product(keys.row(i), q.data() + (2 * h + side) * half, half));
      }
    }
  }
  return logits;
}

Row naive_peer_mixture(const PeerConfig& peer, const Row& logits, const PeerChoice& choice) {
  const size_t n = static_cast<size_t>(peer.keys);
  Row mixture(n * n, 0.0);
  for (size_t h = 0; h < static_cast<size_t>(peer.heads); ++h) {
    const double* z1 = logits.data() + h * n;
    const double* z2 = z1 + static_cast<size_t>(peer.heads) * n;
    std::vector<std::pair<double, int>> scores;  // of what may be chosen
    std::vector<std::pair<double, int>> chosen;
    for (size_t e = 0; e < n * n; ++e) {
      const int id = static_cast<int>(e);
      auto& to = has(choice.forced, id) ? chosen : scores;
      if (!has(choice.rerouted, id)) to.emplace_back(z1[e / n] + z2[e % n], id);
    }
    std::sort(scores.rbegin(), scores.rend());
    const size_t left = static_cast<size_t>(peer.top_k) - chosen.size();
    chosen.insert(chosen.end(), scores.begin(), scores.begin() + static_cast<std::ptrdiff_t>(left));
    double sum = 0.0;
    for (const auto& [score, id] : chosen) sum += std::exp(score);
    for (const auto& [score, id] : chosen)
      mixture[static_cast<size_t>(id)] += std::exp(score) / sum;
  }
  return mixture;
}

Row naive_peer_experts(const Miniature& model, int layer, const Row& x, const Row& mixture) {
  const std::string mlp = fmt::format("model.layers.{}.mlp.", layer);
  const MiniatureTensor& down = model.tensors.at(mlp + "down");
  const MiniatureTensor& up = model.tensors.at(mlp + "up");
  Row out(x.size(), 0.0);
  for (size_t e = 0; e < mixture.size(); ++e) {
    if (mixture[e] == 0.0) continue;
    const int64_t row = static_cast<int64_t>(e);
    const double z = product(down.row(row), x.data(), x.size());
    const double neuron = 0.5 * z * (1.0 + std::erf(z / std::sqrt(2.0)));
    for (size_t i = 0; i < x.size(); ++i) {
      out[i] += mixture[e] * neuron * static_cast<double>(up.row(row)[i]);
    }
  }
  return out;
}

}  // namespace expertoire::test
