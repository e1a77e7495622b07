#include "support/naive_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "model/family/family.h"
#include "model/rope.h"
#include "support/naive_monet.h"
#include "support/naive_peer.h"

namespace expertoire::test {
namespace {

std::string layer_name(int layer, std::string_view part) {
  return fmt::format("model.layers.{}.{}", layer, part);
}

void add_to(Row& sum, const Row& x, double scale = 1.0) {
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += scale * x[i];
}

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

}  // namespace

NaiveModel::NaiveModel(const Miniature& model)
    : model_(model),
      config_(parse_config(model.config, "a miniature")),
      inv_freq_(rope_frequencies(config_.rope, config_.head_dim)),
      mixture_([this](int, const Row& logits) { return family_mixture(logits); }),
      shared_([](int, double gate) { return gate; }) {}

// W x, and the bias where the checkpoint has one.
Row NaiveModel::linear(const std::string& name, const Row& x) const {
  const MiniatureTensor& weight = tensor(name + ".weight");
  Row y(static_cast<size_t>(weight.shape[0]), 0.0);
  const auto bias = model_.tensors.find(name + ".bias");
  for (size_t j = 0; j < y.size(); ++j) {
    const float* row = weight.row(static_cast<int64_t>(j));
    for (size_t i = 0; i < x.size(); ++i) y[j] += row[i] * x[i];
    if (bias != model_.tensors.end()) y[j] += bias->second.values[j];
  }
  return y;
}

Row NaiveModel::norm(const std::string& name, const double* x, size_t size) const {
  const std::vector<float>& weight = tensor(name).values;
  const double square = std::inner_product(x, x + size, x, 0.0) / static_cast<double>(size);
  const double factor = 1.0 / std::sqrt(square + static_cast<double>(config_.rms_norm_eps));
  Row y(size);
  for (size_t i = 0; i < size; ++i) y[i] = x[i] * factor * weight[i];
  return y;
}

void NaiveModel::norm_heads(const std::string& name, Row& x) const {
  if (config_.qk_norm == QkNorm::kNone) return;
  const size_t size = config_.qk_norm == QkNorm::kFull ? x.size() : tensor(name).values.size();
  for (size_t at = 0; at < x.size(); at += size) {
    const Row normed = norm(name, x.data() + at, size);
    std::copy(normed.begin(), normed.end(), x.begin() + static_cast<std::ptrdiff_t>(at));
  }
}

void NaiveModel::rotate(int64_t position, Row& x) const {
  const size_t half = inv_freq_.size();
  for (size_t head = 0; head < x.size(); head += 2 * half) {
    for (size_t i = 0; i < half; ++i) {
      const double angle = static_cast<double>(position) * inv_freq_[i];
      const double cos = std::cos(angle) * config_.rope.attention_factor;
      const double sin = std::sin(angle) * config_.rope.attention_factor;
      const double first = x[head + i];
      const double second = x[head + half + i];
      x[head + i] = first * cos - second * sin;
      x[head + half + i] = second * cos + first * sin;
    }
  }
}

Matrix NaiveModel::attention(int layer, const Matrix& x) const {
  const std::string prefix = layer_name(layer, "self_attn.");
  const size_t dim = static_cast<size_t>(config_.head_dim);
  const size_t heads = static_cast<size_t>(config_.num_attention_heads);
  const size_t group = heads / static_cast<size_t>(config_.num_key_value_heads);
  Matrix keys;
  Matrix values;
  Matrix out;
  for (size_t t = 0; t < x.size(); ++t) {
    Row q = linear(prefix + "q_proj", x[t]);
    Row k = linear(prefix + "k_proj", x[t]);
    Row v = linear(prefix + "v_proj", x[t]);
    norm_heads(prefix + "q_norm.weight", q);
    norm_heads(prefix + "k_norm.weight", k);
    const double limit = static_cast<double>(config_.clip_qkv);
    for (Row* row : {&q, &k, &v}) {
      for (double& value : *row) value = limit > 0 ? std::clamp(value, -limit, limit) : value;
    }
    rotate(static_cast<int64_t>(t), q);
    rotate(static_cast<int64_t>(t), k);
    keys.push_back(k);
    values.push_back(v);
    Row context(heads * dim, 0.0);
    for (size_t head = 0; head < heads; ++head) {
      const size_t from = head / group * dim;
      Row scores;
      for (const Row& key : keys) {
        const double dot =
            std::inner_product(q.begin() + static_cast<std::ptrdiff_t>(head * dim),
                               q.begin() + static_cast<std::ptrdiff_t>((head + 1) * dim),
                               key.begin() + static_cast<std::ptrdiff_t>(from), 0.0);
        scores.push_back(dot / std::sqrt(static_cast<double>(dim)));
      }
      const Row probs = softmax(scores);
      for (size_t s = 0; s <= t; ++s) {
        for (size_t i = 0; i < dim; ++i) context[head * dim + i] += probs[s] * values[s][from + i];
      }
    }
    out.push_back(linear(prefix + "o_proj", context));
  }
  return out;
}

Row NaiveModel::mlp(const std::string& prefix, const Row& x) const {
  const FfnTensors& names = config_.family->tensors;
  Row gate = linear(prefix + std::string(names.gate), x);
  const Row up = linear(prefix + std::string(names.up), x);
  for (size_t i = 0; i < gate.size(); ++i) gate[i] *= sigmoid(gate[i]) * up[i];
  return linear(prefix + std::string(names.down), gate);
}

Row NaiveModel::ffn(int layer, const Row& x, Row* logits, const Row* router_x) const {
  if (config_.family->ffn == FfnKind::kMonet) {
    return naive_monet(model_, layer, x, router_x != nullptr ? *router_x : x);
  }
  if (config_.family->ffn == FfnKind::kPeer) {
    const Row scores = naive_peer_logits(model_, layer, x);
    if (logits != nullptr) *logits = scores;
    return naive_peer_experts(model_, layer, x, mixture_(layer, scores));
  }
  if (!config_.sparse[static_cast<size_t>(layer)]) return mlp(layer_name(layer, "mlp."), x);
  const FfnTensors& names = config_.family->tensors;
  const auto stem = [&](std::string_view tensor_name) {  // without ".weight"
    return layer_name(layer, tensor_name.substr(0, tensor_name.rfind('.')));
  };
  const Row router = linear(stem(names.router), x);
  if (logits != nullptr) *logits = router;
  const Row mixture = mixture_(layer, router);
  Row out(x.size(), 0.0);
  for (size_t e = 0; e < mixture.size(); ++e) {
    if (mixture[e] == 0.0) continue;
    const std::string expert = fmt::format(fmt::runtime(names.expert), fmt::arg("e", e));
    add_to(out, mlp(layer_name(layer, expert), x), mixture[e]);
  }
  if (config_.shared_intermediate_size > 0) {
    const double gate = config_.shared_gate ? sigmoid(linear(stem(names.shared_gate), x)[0]) : 1.0;
    add_to(out, mlp(layer_name(layer, names.shared), x), shared_(layer, gate));
  }
  return out;
}

NaiveModel::Pass NaiveModel::run(const std::vector<int32_t>& ids) const {
  const auto normed = [&](const std::string& name, const Matrix& rows) {
    Matrix out;
    for (const Row& row : rows) out.push_back(norm(name, row.data(), row.size()));
    return out;
  };
  Matrix hidden;
  for (int32_t id : ids) {
    const MiniatureTensor& table = tensor("model.embed_tokens.weight");
    hidden.emplace_back(table.row(id), table.row(id) + table.columns());
  }
  Pass pass;
  Matrix routed;  // what the last router saw
  pass.hidden.push_back(hidden);
  for (int layer = 0; layer < config_.num_hidden_layers; ++layer) {
    const Matrix mixed =
        attention(layer, normed(layer_name(layer, "input_layernorm.weight"), hidden));
    for (size_t t = 0; t < hidden.size(); ++t) add_to(hidden[t], mixed[t]);
    const Matrix x = normed(layer_name(layer, "post_attention_layernorm.weight"), hidden);
    if (config_.routes(layer)) routed = x;
    for (size_t t = 0; t < hidden.size(); ++t) {
      Row logits;
      add_to(hidden[t], ffn(layer, x[t], &logits, routed.empty() ? nullptr : &routed[t]));
      if (!logits.empty()) pass.router_logits[layer].push_back(logits);
    }
    pass.hidden.push_back(hidden);
  }
  pass.final_norm = normed("model.norm.weight", hidden);
  const std::string head = config_.tie_word_embeddings ? "model.embed_tokens" : "lm_head";
  for (const Row& row : pass.final_norm) pass.logits.push_back(linear(head, row));
  return pass;
}

Row NaiveModel::softmax(const Row& logits) {
  const double most = *std::max_element(logits.begin(), logits.end());
  Row probs;
  double sum = 0.0;
  for (double logit : logits) sum += probs.emplace_back(std::exp(logit - most));
  for (double& prob : probs) prob /= sum;
  return probs;
}

std::vector<int> NaiveModel::top_k(const Row& logits, int k, const std::vector<bool>& allowed) {
  std::vector<int> chosen;
  while (static_cast<int>(chosen.size()) < k) {
    int best = -1;
    for (int e = 0; e < static_cast<int>(logits.size()); ++e) {
      const size_t at = static_cast<size_t>(e);
      const bool taken = std::find(chosen.begin(), chosen.end(), e) != chosen.end();
      if (taken || (!allowed.empty() && !allowed[at])) continue;
      if (best < 0 || logits[at] > logits[static_cast<size_t>(best)]) best = e;
    }
    chosen.push_back(best);
  }
  return chosen;
}

Row NaiveModel::family_mixture(const Row& logits) const {
  if (config_.peer.keys > 0) return naive_peer_mixture(config_.peer, logits);
  const Row probs = softmax(logits);
  Row mixture(logits.size(), 0.0);
  double sum = 0.0;
  for (int e : top_k(logits, config_.router.top_k)) {
    sum += mixture[static_cast<size_t>(e)] = probs[static_cast<size_t>(e)];
  }
  if (config_.router.norm_topk_prob) {
    for (double& weight : mixture) weight /= sum;
  }
  return mixture;
}

double relative_error(const float* a, const Row& b) {
  double worst = 0.0;
  double largest = 0.0;
  for (size_t i = 0; i < b.size(); ++i) {
    const double error = std::abs(static_cast<double>(a[i]) - b[i]);
    if (std::isnan(error)) return error;  // fails every comparison with a bound
    worst = std::max(worst, error);
    largest = std::max(largest, std::abs(b[i]));
  }
  return largest > 0.0 ? worst / largest : worst;
}

}  // namespace expertoire::test
