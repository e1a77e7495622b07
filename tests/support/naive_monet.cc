#include "support/naive_monet.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace expertoire::test {
namespace {

// One model's tensors of one layer.
class Layer {
 public:
  Layer(const Miniature& model, int layer)
      : model_(model),
        config_(parse_config(model.config, "a miniature")),
        prefix_(fmt::format("model.layers.{}.", layer)),
        router_(fmt::format("model.layers.{}.router.", layer - layer % config_.monet.group)) {}

  const MonetConfig& monet() const { return config_.monet; }

  // σ of neuron `at` of u, σ = relu².
  double neuron(const char* u, int64_t at, const Row& x) const {
    const double z =
        std::max(0.0, product(prefix_ + "moe." + u + ".weight", at, x) +
                          values(prefix_ + "moe." + u + ".bias")[static_cast<size_t>(at)]);
    return z * z;
  }
  // out[first + o] += Σ_q V[o][key · width + q] · neurons[q]
  void add(const char* v, int key, const Row& neurons, size_t first, Row& out) const {
    const MiniatureTensor& weight = model_.tensors.at(prefix_ + "moe." + v + ".weight");
    for (int64_t o = 0; o < weight.shape[0]; ++o) {
      const float* row = weight.row(o) + key * static_cast<int64_t>(neurons.size());
      for (size_t q = 0; q < neurons.size(); ++q) {
        out[first + static_cast<size_t>(o)] += static_cast<double>(row[q]) * neurons[q];
      }
    }
  }
  void add_bias(const char* b, int key, size_t first, Row& out) const {
    const MiniatureTensor& bias = model_.tensors.at(prefix_ + "moe." + b);
    for (int64_t o = 0; o < bias.columns(); ++o) {
      out[first + static_cast<size_t>(o)] += static_cast<double>(bias.row(key)[o]);
    }
  }

  Row neurons(const char* u, int key, const Row& x) const {
    const int64_t width = monet().vertical ? monet().width / 2 : monet().width;
    Row all;
    for (int64_t q = 0; q < width; ++q) all.push_back(neuron(u, key * width + q, x));
    return all;
  }

  Row expert(int i, int j, const Row& x) const {
    Row out(x.size(), 0.0);
    if (!monet().vertical) {
      add("v", j, neurons("u", i, x), 0, out);
      add_bias("b", j, 0, out);
      return out;
    }
    const Row first = neurons("u1", i, x);
    const Row second = neurons("u2", j, x);
    const size_t half = x.size() / 2;
    add("v11", i, first, 0, out);
    add("v12", i, second, 0, out);
    add_bias("b1", i, 0, out);
    add("v21", j, first, half, out);
    add("v22", j, second, half, out);
    add_bias("b2", j, half, out);
    return out;
  }

  Row head_scores(int side, int head, const Row& x) const {
    const int n = monet().keys;
    const std::string norm = fmt::format("{}norm{}.running_", router_, side + 1);
    Row logits;
    Row normalized;
    for (int i = 0; i < n; ++i) {
      const int64_t at = int64_t{head} * n + i;
      const size_t from = static_cast<size_t>(monet().norm_per_key ? at : head);
      logits.push_back(product(fmt::format("{}w{}.weight", router_, side + 1), at, x));
      normalized.push_back((logits.back() - values(norm + "mean")[from]) /
                           std::sqrt(values(norm + "var")[from] + 1e-5));
    }
    const double most = *std::max_element(normalized.begin(), normalized.end());
    Row g(static_cast<size_t>(n), 0.0);
    double sum = 0.0;
    for (size_t i = 0; i < g.size(); ++i) {
      // Φ(normalised) ≥ 1 − k/n, the published rule without its quantile.
      const double below = 0.5 * std::erfc(-normalized[i] / std::sqrt(2.0));
      const bool kept =
          normalized[i] == most || below >= 1.0 - static_cast<double>(monet().top_k) / n;
      if (kept) sum += g[i] = std::exp(logits[i]);
    }
    for (double& value : g) value /= sum;
    return g;
  }

 private:
  const std::vector<float>& values(const std::string& name) const {
    return model_.tensors.at(name).values;
  }
  double product(const std::string& name, int64_t row, const Row& x) const {
    const float* weight = model_.tensors.at(name).row(row);
    double sum = 0.0;
    for (size_t i = 0; i < x.size(); ++i) sum += static_cast<double>(weight[i]) * x[i];
    return sum;
  }

  const Miniature& model_;
  ModelConfig config_;
  std::string prefix_;
  std::string router_;
};

}  // namespace

Matrix naive_monet_scores(const Miniature& model, int layer, int side, const Row& x) {
  const Layer naive(model, layer);
  Matrix scores;
  for (int h = 0; h < naive.monet().heads; ++h) scores.push_back(naive.head_scores(side, h, x));
  return scores;
}

Row naive_monet(const Miniature& model, int layer, const Row& x, const Row& router_x,
                const JointFactor& factor) {
  const Layer naive(model, layer);
  const Matrix g1 = naive_monet_scores(model, layer, 0, router_x);
  const Matrix g2 = naive_monet_scores(model, layer, 1, router_x);
  Row out(x.size(), 0.0);
  for (int i = 0; i < naive.monet().keys; ++i) {
    for (int j = 0; j < naive.monet().keys; ++j) {
      double score = 0.0;
      for (size_t h = 0; h < g1.size(); ++h) {
        score += g1[h][static_cast<size_t>(i)] * g2[h][static_cast<size_t>(j)];
      }
      if (factor) score *= factor(i, j);
      if (score == 0.0) continue;
      const Row expert = naive.expert(i, j, x);
      for (size_t o = 0; o < out.size(); ++o) out[o] += score * expert[o];
    }
  }
  return out;
}

}  // namespace expertoire::test
