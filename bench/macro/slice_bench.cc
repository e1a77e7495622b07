// Whole forward passes against the machine's peak, measured in turns in the same process.
//   slice_bench MODEL [--compute bf16|f32] [--threads N] [--reps N] [--case NAME] [--json]
//                     [--edit FILE]
//   slice_bench MODEL --serve     runs a case for each line of standard input that names one, so
//                                 that compare.py can take turns with other programs
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "../peak.h"
#include "engine/shipped.h"
#include "eval/speed.h"

namespace expertoire::bench {
namespace {

using nlohmann::json;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// One run, and what the machine could do just before and after it.
struct Sample {
  double seconds;
  double flops_share;      ///< of the multiply-add peak
  double bandwidth_share;  ///< bytes of weights over the read bandwidth
};

class Bench {
 public:
  Bench(Session& session, const SpeedCase& test) : session_(session), speed_(session, test) {
    bytes_ = speed_.weight_bytes();
  }

  Sample sample() {
    const double peak_before = peak();
    const double read_before = dram_read_bandwidth(threads());
    const double seconds = speed_.run();
    const double read = (read_before + dram_read_bandwidth(threads())) / 2;
    const double most = (peak_before + peak()) / 2;
    return {seconds, speed_.flops() / seconds / most, bytes_ / seconds / read};
  }
  double tokens() const { return static_cast<double>(speed_.tokens()); }
  double flops() const { return speed_.flops(); }
  double bytes() const { return bytes_; }

 private:
  int threads() const { return session_.executor().pool().threads(); }
  double peak() const {
    return session_.model().compute() == Compute::kBF16 ? peak_bf16(threads())
                                                        : peak_f32(threads());
  }
  Session& session_;
  SpeedRun speed_;
  double bytes_;
};

json summary(const std::string& name, const Bench& bench, const std::vector<Sample>& samples) {
  std::vector<double> seconds, flops, bandwidth;
  for (const Sample& sample : samples) {
    seconds.push_back(sample.seconds);
    flops.push_back(sample.flops_share);
    bandwidth.push_back(sample.bandwidth_share);
  }
  return {{"case", name},
          {"tokens", bench.tokens()},
          {"median_s", median(seconds)},
          {"best_s", *std::min_element(seconds.begin(), seconds.end())},
          {"worst_s", *std::max_element(seconds.begin(), seconds.end())},
          {"tokens_per_s", bench.tokens() / median(seconds)},
          {"peak_share", median(flops)},
          {"weight_mb", bench.bytes() / 1e6},
          {"bandwidth_share", median(bandwidth)}};
}

void print_plain(const json& row) {
  const auto number = [&](const char* key) { return row[key].get<double>(); };
  fmt::print(
      "{:7} {:6.0f} tokens  median {:8.2f} ms  best {:8.2f}  worst {:8.2f}  {:8.1f} tok/s"
      "  {:5.1f} % of peak  {:5.1f} % of DRAM read\n",
      row["case"].get<std::string>(), number("tokens"), number("median_s") * 1e3,
      number("best_s") * 1e3, number("worst_s") * 1e3, number("tokens_per_s"),
      number("peak_share") * 100, number("bandwidth_share") * 100);
  std::fflush(stdout);
}

void serve(Session& session) {
  std::map<std::string, std::unique_ptr<Bench>> benches;
  for (std::string line; std::getline(std::cin, line);) {
    for (const SpeedCase& test : speed_cases()) {
      if (test.name != line) continue;
      std::unique_ptr<Bench>& bench = benches[line];
      if (!bench) bench = std::make_unique<Bench>(session, test);
      const Sample sample = bench->sample();
      fmt::print("{}\n", json{{"case", line},
                              {"seconds", sample.seconds},
                              {"tokens", bench->tokens()},
                              {"peak_share", sample.flops_share},
                              {"bandwidth_share", sample.bandwidth_share}}
                             .dump());
      std::fflush(stdout);
    }
  }
}

/// Seconds to bring the weight files, which are in the page cache, into fresh memory, and to write
/// packed weights at the speed of a copy: what loading cannot beat by much.
double copy_seconds(const std::string& folder, size_t packed_bytes) {
  const double start = now();
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".safetensors") continue;
    const size_t size = std::filesystem::file_size(entry.path());
    Buffer copy(size);
    std::ifstream(entry.path(), std::ios::binary)
        .read(reinterpret_cast<char*>(copy.data()), static_cast<std::streamsize>(size));
    Buffer packed(std::min(size, packed_bytes));
    std::memcpy(packed.data(), copy.data(), packed.size() / 2);
    std::memcpy(packed.data() + packed.size() / 2, copy.data(), packed.size() / 2);
  }
  return now() - start;
}

void report_load(const Model& model, double seconds) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);  // before the copy, which takes memory too
  const double packed = static_cast<double>(model.weight_bytes());
  const double copy = copy_seconds(model.folder(), static_cast<size_t>(model.weight_bytes()));
  fmt::print(stderr,
             "loaded in {:.2f} s ({:.2f} x a copy of the cached file and of the packed weights, "
             "{:.2f} s); packed weights {:.0f} MB, peak RSS {:.0f} MB ({:.3f} x)\n",
             seconds, seconds / copy, copy, packed / 1e6,
             static_cast<double>(usage.ru_maxrss) * 1024 / 1e6,
             static_cast<double>(usage.ru_maxrss) * 1024 / packed);
}

int run(int argc, char** argv) {
  CLI::App app{"Forward passes of a model against this machine's peak"};
  std::string folder, compute = "bf16", only, edit;
  int threads = 0, reps = 7;
  bool as_json = false, serving = false;
  app.add_option("model", folder)->required();
  app.add_option("--compute", compute);
  app.add_option("--threads", threads);
  app.add_option("--reps", reps);
  app.add_option("--case", only);
  app.add_option("--edit", edit, "Run under a routing edit");
  app.add_flag("--json", as_json);
  app.add_flag("--serve", serving);
  CLI11_PARSE(app, argc, argv);
  LoadOptions options;
  options.compute = parse_compute(compute).value();
  options.threads = threads;
  const double start = now();
  const auto model = Model::load(model_folder(folder), options);
  const double seconds = now() - start;
  if (!serving) report_load(*model, seconds);
  Session session(model, {threads, nullptr});
  if (!edit.empty()) session.set_edit(RoutingEdit::load(edit));
  if (serving) {
    serve(session);
    return 0;
  }
  for (const SpeedCase& test : speed_cases()) {
    if (!only.empty() && only != test.name) continue;
    Bench bench(session, test);
    std::vector<Sample> samples;
    bench.sample();
    for (int rep = 0; rep < reps; ++rep) samples.push_back(bench.sample());
    const json row = summary(test.name, bench, samples);
    if (as_json) {
      fmt::print("{}\n", row.dump());
    } else {
      print_plain(row);
    }
  }
  return 0;
}

}  // namespace
}  // namespace expertoire::bench

int main(int argc, char** argv) { return expertoire::bench::run(argc, argv); }
