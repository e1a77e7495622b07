#include "train/torch/evaluation.h"

#include <vector>

#include "train/torch/processes.h"

namespace expertoire::train {
namespace {

using nlohmann::json;

constexpr double kUnifEps = 1e-6;

// Sums over batches, which make the means over all tokens.
struct Totals {
  double loss = 0;
  double tokens = 0;
  std::vector<RouterUse> use;  ///< survivors and amb times tokens, scores summed

  void add(double mean_loss, double count, const Pass& pass) {
    loss += mean_loss * count;
    tokens += count;
    use.resize(pass.use.size());
    for (size_t layer = 0; layer < use.size(); ++layer) add(pass.use[layer], count, use[layer]);
  }

  static void add(const RouterUse& from, double count, RouterUse& to) {
    to.amb += from.amb * count;
    for (size_t s = 0; s < 2; ++s) {
      to.survivors[s] += from.survivors[s] * count;
      const Tensor scores = from.mean_scores[s] * count;
      to.mean_scores[s] = to.mean_scores[s].defined() ? to.mean_scores[s] + scores : scores;
      to.tokens_of_key[s] = to.tokens_of_key[s].defined()
                                ? to.tokens_of_key[s] + from.tokens_of_key[s]
                                : from.tokens_of_key[s];
    }
  }

  // Over all processes, then divided by the tokens.
  void finish(Processes* processes) {
    if (processes != nullptr) share(*processes);
    loss /= tokens;
    for (RouterUse& layer : use) {
      layer.amb /= tokens;
      for (size_t s = 0; s < 2; ++s) {
        layer.survivors[s] /= tokens;
        layer.mean_scores[s] = layer.mean_scores[s] / tokens;
      }
    }
  }

  void share(Processes& processes) {
    const auto sum = [&](double& value) {
      Tensor tensor = at::zeros({1}, at::kDouble).fill_(value);
      processes.sum(tensor);
      value = tensor.item<double>();
    };
    sum(loss);
    sum(tokens);
    for (RouterUse& layer : use) {
      sum(layer.amb);
      for (size_t s = 0; s < 2; ++s) {
        sum(layer.survivors[s]);
        processes.sum(layer.mean_scores[s]);
        processes.sum(layer.tokens_of_key[s]);
      }
    }
  }
};

double uniformity(const RouterUse& use) {
  double sum = 0;
  for (const Tensor& scores : use.mean_scores)
    sum -= (scores + kUnifEps).log().mean().item<double>();
  return sum / 2;
}

}  // namespace

json describe_use(const std::vector<RouterUse>& use) {
  json survivors1 = json::array();
  json survivors2 = json::array();
  json used = json::array();
  for (const RouterUse& layer : use) {
    survivors1.push_back(layer.survivors[0]);
    survivors2.push_back(layer.survivors[1]);
    const Tensor counts = at::cat({layer.tokens_of_key[0], layer.tokens_of_key[1]});
    used.push_back((counts > 0).sum().item<double>() / static_cast<double>(counts.numel()));
  }
  if (use.empty()) return json::object();
  return {{"survivors1", survivors1}, {"survivors2", survivors2}, {"keys_used", used}};
}

Tensor read_batch(const TokenDataset& data, uint64_t seed, int64_t first, int64_t batch,
                  int64_t length, at::Device device) {
  const Tensor ids = at::empty({batch, length + 1}, at::kInt);
  auto* to = ids.mutable_data_ptr<int32_t>();
  const auto row = static_cast<size_t>(length + 1);
  for (int64_t b = 0; b < batch; ++b) {
    data.read(seed, first + b, {to + static_cast<size_t>(b) * row, row});
  }
  return ids.to(device, at::kLong);
}

json evaluate(const Decoder& decoder, const TokenDataset& data, const EvaluationOptions& options) {
  const at::NoGradGuard no_grad;
  const int64_t all = data.sequences(options.sequence_length);
  const int64_t count = options.sequences > 0 ? std::min(options.sequences, all) : all;
  const int64_t rank = options.processes != nullptr ? options.processes->rank() : 0;
  const int64_t parts = options.processes != nullptr ? options.processes->count() : 1;
  Totals totals;
  for (int64_t first = rank * options.batch_sequences; first < count;
       first += parts * options.batch_sequences) {
    const int64_t batch = std::min(options.batch_sequences, count - first);
    Pass pass;
    pass.training = false;
    pass.bf16 = options.bf16;
    pass.dense = !options.device.is_cpu();
    const Losses losses = decoder.losses(
        read_batch(data, 0, first, batch, options.sequence_length, options.device), pass);
    totals.add(losses.at("lm").item<double>(), static_cast<double>(batch * options.sequence_length),
               pass);
  }
  totals.finish(options.processes);
  json result = describe_use(totals.use);
  result["held_out_loss"] = totals.loss;
  result["held_out_tokens"] = totals.tokens;
  for (const RouterUse& layer : totals.use) {
    result["unif"].push_back(uniformity(layer));
    result["amb"].push_back(layer.amb);
  }
  return result;
}

}  // namespace expertoire::train
