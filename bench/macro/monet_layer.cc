// One Monet layer, router and experts, against the machine's peak.
//   monet_layer FOLDER [--compute bf16|f32] [--threads N] [--tokens N,…] [--reps N] [--out FILE]
//   monet_layer FOLDER --mask 0.03   what it costs that a share of the joint experts, chosen by
//                                    chance, is ablated: with and without in turns
//   monet_layer FOLDER --serve       a line of standard input says how many tokens, and how often,
//                                    so that compare_monet.py can take turns with PyTorch
// FOLDER holds config.json and the tensors of layer 0 in model.safetensors, and its inputs "x"
// [T, hidden_size] in input.safetensors (compare_monet.py writes them, statistics fitted).
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <random>
#include <sstream>

#include "../peak.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "model/config_reader.h"
#include "model/load_monet.h"

namespace expertoire::bench {
namespace {

using nlohmann::json;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class Layer {
 public:
  Layer(const std::string& folder, Compute compute, int threads)
      : executor_(threads), compute_(compute), config_(config_of(folder)) {
    const Checkpoint checkpoint = Checkpoint::open(folder);
    WeightReader reader(checkpoint, executor_);
    ffn_ = load_monet(config_, 0, compute, reader);
    const SafetensorsFile inputs = SafetensorsFile::open(folder + "/input.safetensors");
    const TensorView& x = inputs.tensor("x");
    tokens_ = x.shape.at(0);
    f32_ = f32_rows_.ensure(Compute::kF32, tokens_, width());
    out_ = out_rows_.ensure(Compute::kF32, tokens_, width());
    narrow_ = narrow_rows_.ensure(Compute::kBF16, tokens_, width());
    for (int64_t t = 0; t < tokens_; ++t) {
      read_f32(x, t * width(), width(), static_cast<float*>(f32_.row(t)));
      executor_.kernels().f32_to_bf16(static_cast<const float*>(f32_.row(t)), width(),
                                      static_cast<bf16_t*>(narrow_.row(t)));
    }
  }

  int64_t tokens() const { return tokens_; }
  int64_t width() const { return config_.hidden_size; }

  /// Removes a share of the joint experts by chance; 0 = none.
  void mask(double share) {
    edit_.reset();
    if (share == 0) return;
    std::vector<int> experts(static_cast<size_t>(config_.num_experts));
    std::iota(experts.begin(), experts.end(), 0);
    std::shuffle(experts.begin(), experts.end(), std::mt19937(1));
    experts.resize(static_cast<size_t>(share * static_cast<double>(experts.size())));
    std::ranges::sort(experts);
    const RoutingEdit edit({}, {{EditAction::kAblate, std::vector<int>{0}, experts}});
    edit_ = edit.compile(config_.edit_model(), config_.editable_layers()).at(0);
  }

  /// Seconds of router and experts for the first `tokens` inputs, from token `first` on.
  double run(int64_t first, int64_t tokens) {
    const Rows f32 = from(f32_, first);
    const FfnInput input{tokens, f32, compute_ == Compute::kF32 ? f32 : from(narrow_, first)};
    const Rows out = from(out_, first);
    for (int64_t t = 0; t < tokens; ++t) {
      std::fill_n(static_cast<float*>(out.row(t)), width(), 0.0F);
    }
    const double start = now();
    const LayerEdit* edit = edit_ ? &*edit_ : nullptr;
    ffn_->route(executor_, input, edit, routing_);
    routed_ = now() - start;
    ffn_->mix(executor_, input, routing_, edit, scratch_, out);
    return now() - start;
  }
  /// Of the last run: seconds of the router alone, keys that a head kept, and that any head kept.
  double routed() const { return routed_; }
  double survivors() const {
    double sum = 0;
    const auto& routing = std::get<FactoredRouting>(routing_);
    for (const FactoredSide& side : routing.sides) {
      for (int32_t active : side.active) sum += active;
    }
    return sum / static_cast<double>(2 * routing.tokens * routing.heads);
  }
  double kept() const {
    const auto& routing = std::get<FactoredRouting>(routing_);
    return static_cast<double>(routing.sides[0].keys.size() + routing.sides[1].keys.size()) /
           static_cast<double>(2 * routing.tokens);
  }
  /// Multiply-adds of the dense form, as floating point operations a token: the products only.
  double flops() const {
    const MonetConfig& m = config_.monet;
    const double d = static_cast<double>(config_.hidden_size);
    const double router = 2.0 * m.heads * m.keys * d;
    const double experts = 2.0 * m.keys * static_cast<double>(m.width) * d;
    return 2 * (router + experts);
  }
  double peak() {
    const int threads = executor_.pool().threads();
    return compute_ == Compute::kBF16 ? peak_bf16(threads) : peak_f32(threads);
  }
  void write(const std::string& path) {
    run(0, tokens_);
    std::vector<float> y;
    for (int64_t t = 0; t < tokens_; ++t) {
      const float* row = static_cast<const float*>(out_.row(t));
      y.insert(y.end(), row, row + width());
    }
    write_safetensors(path, {{"y",
                              {DType::kF32,
                               {tokens_, width()},
                               reinterpret_cast<const std::byte*>(y.data()),
                               y.size() * sizeof(float)}}});
  }

 private:
  static ModelConfig config_of(const std::string& folder) {
    return parse_config(read_json_file(folder + "/config.json"), folder);
  }
  static Rows from(Rows rows, int64_t first) {
    rows.data = static_cast<std::byte*>(rows.row(first));
    return rows;
  }

  Executor executor_;
  Compute compute_;
  ModelConfig config_;
  std::unique_ptr<Ffn> ffn_;
  int64_t tokens_ = 0;
  RowBuffer f32_rows_, narrow_rows_, out_rows_;
  Rows f32_, narrow_, out_;
  Routing routing_;
  FfnScratch scratch_;
  std::optional<LayerEdit> edit_;
  double routed_ = 0;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// `runs` in a row, each with other inputs: the peak, whose own work empties the caches, is measured
// before and after all of them.
json sample(Layer& layer, int64_t tokens, int repetition, int runs = 1) {
  const double before = layer.peak();
  std::vector<double> all;
  for (int run = 0; run < runs; ++run) {
    const int64_t first = (int64_t{repetition} * runs + run) * tokens;
    all.push_back(layer.run(first % (layer.tokens() - tokens + 1), tokens));
  }
  const double seconds = median(all);
  const double peak = (before + layer.peak()) / 2;
  return {{"tokens", tokens},
          {"seconds", seconds},
          {"router_seconds", layer.routed()},
          {"survivors_a_head", layer.survivors()},
          {"kept_keys", layer.kept()},
          {"dense_peak_share", layer.flops() * static_cast<double>(tokens) / seconds / peak}};
}

int64_t checked(const Layer& layer, int64_t tokens) {
  if (tokens >= 1 && tokens <= layer.tokens()) return tokens;
  throw std::runtime_error(fmt::format("{} tokens, 1 to {} are there", tokens, layer.tokens()));
}

void serve(Layer& layer) {
  int repetition = 0;
  for (std::string line; std::getline(std::cin, line); ++repetition) {
    std::istringstream words(line);
    int64_t tokens = 0;
    int runs = 1;
    words >> tokens >> runs;
    fmt::print("{}\n", sample(layer, checked(layer, tokens), repetition, runs).dump());
    std::fflush(stdout);
  }
}

void compare_mask(Layer& layer, double share, const std::vector<int64_t>& sizes, int reps) {
  for (const int64_t tokens : sizes) {
    std::array<std::vector<double>, 2> seconds;
    for (int rep = 0; rep <= reps; ++rep) {
      for (int masked : {0, 1}) {
        layer.mask(masked * share);
        const int runs = tokens == 1 ? 16 : 1;
        const double one = sample(layer, checked(layer, tokens), rep, runs)["seconds"];
        if (rep > 0) seconds[static_cast<size_t>(masked)].push_back(one);
      }
    }
    const double plain = median(seconds[0]), masked = median(seconds[1]);
    fmt::print("{}\n", json{{"tokens", tokens},
                            {"mask_share", share},
                            {"seconds", plain},
                            {"masked_seconds", masked},
                            {"ratio", masked / plain}}
                           .dump());
  }
}

int run(int argc, char** argv) {
  CLI::App app{"One Monet layer against this machine's peak"};
  std::string folder, compute = "bf16", out;
  std::vector<int64_t> sizes = {2048, 512, 1};
  int threads = 0, reps = 7;
  double mask = 0;
  bool serving = false;
  app.add_option("folder", folder)->required();
  app.add_option("--compute", compute);
  app.add_option("--threads", threads);
  app.add_option("--tokens", sizes)->delimiter(',');
  app.add_option("--reps", reps);
  app.add_option("--out", out, "Write y [T, hidden_size] of all inputs and stop");
  app.add_option("--mask", mask, "Share of the joint experts to ablate, compared with none")
      ->check(CLI::Range(0.0, 1.0));
  app.add_flag("--serve", serving);
  CLI11_PARSE(app, argc, argv);
  Layer layer(folder, parse_compute(compute).value(), threads);
  if (!out.empty()) {
    layer.write(out);
    return 0;
  }
  if (serving) {
    serve(layer);
    return 0;
  }
  if (mask > 0) {
    compare_mask(layer, mask, sizes, reps);
    return 0;
  }
  for (const int64_t tokens : sizes) {
    sample(layer, checked(layer, tokens), 0);
    std::vector<json> samples;
    for (int rep = 1; rep <= reps; ++rep) samples.push_back(sample(layer, tokens, rep));
    std::sort(samples.begin(), samples.end(), [](const json& a, const json& b) {
      return a["seconds"].get<double>() < b["seconds"].get<double>();
    });
    fmt::print("{}\n", samples[samples.size() / 2].dump());
  }
  return 0;
}

}  // namespace
}  // namespace expertoire::bench

int main(int argc, char** argv) {
  try {
    return expertoire::bench::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
