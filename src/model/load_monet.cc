#include "model/load_monet.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace expertoire {
namespace {

constexpr double kBatchNormEps = 1e-5;  // torch.nn.BatchNorm1d's default

class MonetLoader {
 public:
  MonetLoader(const ModelConfig& config, int layer, Compute compute, WeightReader& reader)
      : config_(config),
        monet_(config.monet),
        prefix_(fmt::format("model.layers.{}.", layer)),
        compute_(compute),
        reader_(reader) {}

  MonetFfn::Weights weights(bool routes) {
    MonetFfn::Weights weights;
    weights.vertical = monet_.vertical;
    weights.keys = monet_.keys;
    weights.width = monet_.vertical ? monet_.width / 2 : monet_.width;
    if (routes) weights.router = router();
    weights.up = up(weights);
    if (monet_.vertical) {
      const int64_t half = config_.hidden_size / 2;
      weights.down.push_back(down(weights, half, {"v11", "v12"}, "b1"));
      weights.down.push_back(down(weights, half, {"v22", "v21"}, "b2"));
    } else {
      weights.down.push_back(down(weights, config_.hidden_size, {"v"}, "b"));
    }
    return weights;
  }

 private:
  std::string moe(const char* part) const { return fmt::format("{}moe.{}", prefix_, part); }

  // Experts are as large as the rest of a layer here, so the router computes in their type too.
  MonetRouter router() {
    std::array<MonetRouter::Side, 2> sides;
    for (size_t s = 0; s < 2; ++s) {
      const std::string norm = fmt::format("{}router.norm{}.", prefix_, s + 1);
      sides[s].weight =
          reader_.matrix(fmt::format("{}router.w{}.weight", prefix_, s + 1),
                         int64_t{monet_.heads} * monet_.keys, config_.hidden_size, compute_);
      statistics(norm, sides[s]);
      reader_.ignore(norm + "num_batches_tracked");
    }
    return {monet_.heads, monet_.keys, monet_.top_k, std::move(sides)};
  }

  // One mean and variance a head, or one a key; spread over [H, n].
  void statistics(const std::string& norm, MonetRouter::Side& side) {
    const int64_t all = int64_t{monet_.heads} * monet_.keys;
    const int64_t count = monet_.norm_per_key ? all : monet_.heads;
    const std::vector<float> mean = reader_.vector(norm + "running_mean", count);
    const std::vector<float> variance = reader_.vector(norm + "running_var", count);
    for (int64_t i = 0; i < all; ++i) {
      const size_t from = static_cast<size_t>(i / (all / count));
      side.mean.push_back(mean[from]);
      side.inverse.push_back(static_cast<float>(1.0 / std::sqrt(variance[from] + kBatchNormEps)));
    }
  }

  // Runs of a group's neurons, each padded to whole strips.
  StripMatrix up(const MonetFfn::Weights& w) {
    const KeyGroup group = KeyGroup::of(w.width);
    const int64_t outputs = w.keys * w.width, run = group.keys * w.width;
    std::vector<std::pair<std::string, int64_t>> parts;
    std::vector<float> bias;
    for (const char* part : w.vertical ? std::vector{"u1", "u2"} : std::vector{"u"}) {
      parts.emplace_back(moe(part) + ".weight", outputs);
      const std::vector<float> more = reader_.vector(moe(part) + ".bias", outputs);
      for (int64_t at = 0; at < outputs; at += run) {
        bias.insert(bias.end(), more.begin() + at, more.begin() + std::min(at + run, outputs));
        bias.resize(
            static_cast<size_t>(round_up(static_cast<int64_t>(bias.size()), group.outputs())));
      }
    }
    PackedMatrix matrix =
        reader_.padded(parts, config_.hidden_size, {run, group.outputs()}, compute_);
    set_bias(matrix, std::move(bias));
    return StripMatrix(std::move(matrix));
  }

  // The slots that MonetFfn::Weights::down describes, from `parts` (each [outputs, n · width])
  // and the bias of each key [n, outputs].
  PackedMatrix down(const MonetFfn::Weights& w, int64_t outputs,
                    const std::vector<const char*>& parts, const char* bias) {
    const int64_t slot = w.slot();
    const int64_t depth = w.keys * slot;
    std::vector<float> values(static_cast<size_t>(outputs * depth), 0.0F);
    std::vector<std::string> names;
    std::vector<float> row;
    for (size_t part = 0; part < parts.size(); ++part) {
      names.push_back(moe(parts[part]) + ".weight");
      const int64_t inputs = w.keys * w.width;
      const TensorView& view = reader_.take(names.back(), {outputs, inputs});
      row.resize(static_cast<size_t>(inputs));
      for (int64_t r = 0; r < outputs; ++r) {
        read_f32(view, r * inputs, inputs, row.data());
        float* to = values.data() + r * depth + static_cast<int64_t>(part) * w.width;
        for (int64_t i = 0; i < inputs; ++i) {
          to[i / w.width * slot + i % w.width] = row[static_cast<size_t>(i)];
        }
      }
    }
    names.push_back(moe(bias));
    const TensorView& view = reader_.take(names.back(), {w.keys, outputs});
    row.resize(static_cast<size_t>(outputs));
    for (int64_t key = 0; key < w.keys; ++key) {
      read_f32(view, key * outputs, outputs, row.data());
      float* to = values.data() + key * slot + static_cast<int64_t>(parts.size()) * w.width;
      for (int64_t r = 0; r < outputs; ++r) to[r * depth] = row[static_cast<size_t>(r)];
    }
    return reader_.rearranged(names, values, outputs, depth, compute_);
  }

  const ModelConfig& config_;
  const MonetConfig& monet_;
  std::string prefix_;
  Compute compute_;
  WeightReader& reader_;
};

}  // namespace

std::unique_ptr<Ffn> load_monet(const ModelConfig& config, int layer, Compute compute,
                                WeightReader& reader) {
  MonetLoader loader(config, layer, compute, reader);
  return std::make_unique<MonetFfn>(layer, loader.weights(config.routes(layer)));
}

}  // namespace expertoire
