#include "model/load_monet.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace expertoire {
namespace {

constexpr double kBatchNormEps = 1e-5;  // torch.nn.BatchNorm1d's default

// Where values of each key go in a row of `down`: [key · slot + at, … + width).
struct Columns {
  int64_t at, width, slot, keys;
};

// Rows [first, first + count) of V [outputs, n · width].
void place_rows(const TensorView& view, int64_t first, int64_t count, const Columns& to,
                float* rows) {
  const int64_t inputs = to.keys * to.width;
  std::vector<float> row(static_cast<size_t>(inputs));
  for (int64_t r = 0; r < count; ++r) {
    read_f32(view, (first + r) * inputs, inputs, row.data());
    float* out = rows + r * to.keys * to.slot + to.at;
    for (int64_t key = 0; key < to.keys; ++key) {
      std::copy_n(row.data() + key * to.width, to.width, out + key * to.slot);
    }
  }
}

// Columns [first, first + count) of b [n, outputs], a run of each key at a time.
void place_biases(const TensorView& view, int64_t first, int64_t count, const Columns& to,
                  float* rows) {
  std::vector<float> run(static_cast<size_t>(count));
  for (int64_t key = 0; key < to.keys; ++key) {
    read_f32(view, key * view.shape[1] + first, count, run.data());
    float* out = rows + key * to.slot + to.at;
    for (int64_t r = 0; r < count; ++r) out[r * to.keys * to.slot] = run[static_cast<size_t>(r)];
  }
}

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
    if (monet_.vertical) {
      weights.up.push_back(up(weights, "u1"));
      weights.up.push_back(up(weights, "u2"));
      const int64_t half = config_.hidden_size / 2;
      weights.down.push_back(down(weights, half, {"v11", "v12"}, "b1"));
      weights.down.push_back(down(weights, half, {"v22", "v21"}, "b2"));
    } else {
      weights.up.push_back(up(weights, "u"));
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

  StripMatrix up(const MonetFfn::Weights& w, const char* part) {
    return reader_.strips(moe(part) + ".weight", moe(part) + ".bias", w.keys * w.width,
                          config_.hidden_size, compute_);
  }

  // The columns that MonetFfn::Weights::down describes, from `parts` (each [outputs, n · width])
  // and the bias of each key [n, outputs].
  PackedMatrix down(const MonetFfn::Weights& w, int64_t outputs,
                    const std::vector<const char*>& parts, const char* bias) {
    const int64_t slot = w.slot();
    const int64_t inputs = w.keys * w.width;
    std::vector<std::string> names;
    std::vector<const TensorView*> views;
    for (const char* part : parts) {
      names.push_back(moe(part) + ".weight");
      views.push_back(&reader_.take(names.back(), {outputs, inputs}));
    }
    names.push_back(moe(bias));
    const TensorView& biases = reader_.take(names.back(), {w.keys, outputs});
    const auto source = [&](int64_t first, int64_t count, float* rows) {
      std::fill_n(rows, count * w.keys * slot, 0.0F);
      for (size_t part = 0; part < views.size(); ++part) {
        const Columns to{static_cast<int64_t>(part) * w.width, w.width, slot, w.keys};
        place_rows(*views[part], first, count, to, rows);
      }
      const int64_t column = static_cast<int64_t>(parts.size()) * w.width;
      place_biases(biases, first, count, {column, 1, slot, w.keys}, rows);
    };
    return reader_.generated(names, outputs, w.keys * slot, compute_, source);
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
