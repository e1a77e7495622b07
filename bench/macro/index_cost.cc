// What an expert index costs over the bare forward pass, and its parts.
//   index_cost FOLDER [--tokens N] [--window N] [--reps N] [--threads N] [--compute f32|bf16]
// FOLDER is any model folder; the tokens are random ones (those of a model with random weights mean
// nothing else), of a Zipf distribution. Bare passes, passes with uses alone, with all counters,
// and with a file written take turns; medians and spreads.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "analysis/index_writer.h"

namespace expertoire::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string folder, compute = "bf16";
  int64_t tokens = 4096, window = 512;
  int reps = 5, threads = 0;
};

// Zipf: the r-th of the vocabulary's ids, in a shuffled order, with a chance of 1 / r.
std::vector<std::vector<int32_t>> make_windows(const Options& options, int64_t vocab) {
  std::mt19937 random(1);
  std::vector<int32_t> ids(static_cast<size_t>(vocab));
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int32_t>(i);
  std::shuffle(ids.begin(), ids.end(), random);
  std::uniform_real_distribution<double> unit(0, 1);
  std::vector<std::vector<int32_t>> windows;
  for (int64_t begin = 0; begin < options.tokens; begin += options.window) {
    std::vector<int32_t>& window = windows.emplace_back();
    for (int64_t t = 0; t < std::min(options.window, options.tokens - begin); ++t) {
      const double rank = std::pow(static_cast<double>(vocab), unit(random));
      window.push_back(ids[std::min(ids.size() - 1, static_cast<size_t>(rank) - 1)]);
    }
  }
  return windows;
}

// What IndexWriter does with each event, part by part.
class Parts final : public RoutingSink {
 public:
  Parts(const UnitTable& units, bool count)
      : units_(units), counters_(units, {1, 16, 2, 12, 0.1}), together_(units), count_(count) {}

  void begin(const std::vector<std::vector<int32_t>>& windows) {
    windows_ = &windows;
    ++round_;
  }
  void on_routing(const RoutingEvent& event) override {
    collect_uses(units_, event, 0.01F, uses_);
    total_ += uses_.uses.size();
    if (!count_) return;
    places_.clear();
    for (const TokenRef& token : event.tokens) {
      const auto window = static_cast<size_t>(token.sequence);
      places_.push_back({round_ * 1000 + token.sequence, token.position, token.position,
                         (*windows_)[window][static_cast<size_t>(token.position)], 0});
    }
    counters_.add(uses_.uses, places_);
    together_.add(event.layer, uses_.uses);
  }
  size_t total() const { return total_; }

 private:
  const UnitTable& units_;
  UnitCounters counters_;
  UsedTogether together_;
  bool count_;
  const std::vector<std::vector<int32_t>>* windows_ = nullptr;
  int32_t round_ = 0;
  size_t total_ = 0;
  LayerUses uses_;
  std::vector<TokenPlace> places_;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void print_row(const char* name, const std::vector<double>& seconds, double bare) {
  const auto [low, high] = std::ranges::minmax(seconds);
  fmt::print("{:<22} {:8.1f} ms ({:.1f} to {:.1f})  {:5.1f} %\n", name, 1e3 * median(seconds),
             1e3 * low, 1e3 * high, 100 * (median(seconds) / bare - 1));
}

void measure(const Options& options) {
  const Compute compute = options.compute == "bf16" ? Compute::kBF16 : Compute::kF32;
  const auto model = Model::load(options.folder, {compute, false, options.threads, {}});
  Session session(model, {options.threads, nullptr});
  const auto windows = make_windows(options, model->config().vocab_size);
  const std::vector<std::span<const int32_t>> texts(windows.begin(), windows.end());
  const UnitTable units = units_of(model->config());
  Parts uses(units, false), counters(units, true);
  std::vector<std::pair<const char*, RoutingSink*>> ways = {
      {"bare forward pass", nullptr}, {"+ uses", &uses}, {"+ uses and counters", &counters}};
  std::map<const char*, std::vector<double>> seconds;
  for (int rep = 0; rep <= options.reps; ++rep) {
    for (const auto& [name, sink] : ways) {
      if (auto* parts = static_cast<Parts*>(sink)) parts->begin(windows);
      const Clock::time_point begun = Clock::now();
      session.forward_once(texts, sink);
      const std::chrono::duration<double> took = Clock::now() - begun;
      if (rep > 0) seconds[name].push_back(took.count());  // the first one warms up
    }
  }
  const double bare = median(seconds[ways[0].first]);
  fmt::print("{}, {} tokens in windows of {}, {:.1f} uses a token\n", options.folder,
             options.tokens, options.window,
             static_cast<double>(counters.total()) /
                 static_cast<double>(options.tokens * (options.reps + 1)));
  for (const auto& [name, sink] : ways) print_row(name, seconds[name], bare);
}

}  // namespace
}  // namespace expertoire::bench

int main(int argc, char** argv) {
  expertoire::bench::Options options;
  CLI::App app("What an expert index costs over the bare forward pass");
  app.add_option("folder", options.folder, "Model folder")->required();
  app.add_option("--tokens", options.tokens, "Tokens of a pass")->capture_default_str();
  app.add_option("--window", options.window, "Tokens of a window")->capture_default_str();
  app.add_option("--reps", options.reps, "Timed passes")->capture_default_str();
  app.add_option("--threads", options.threads, "Threads (default: all CPUs)");
  app.add_option("--compute", options.compute, "f32 or bf16")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  expertoire::bench::measure(options);
  return 0;
}
