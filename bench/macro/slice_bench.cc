// Whole forward passes at real layer shapes: prefill of several batch shapes, and decode. Each
// repetition takes turns with the machine's measured peak, so that ratios survive a noisy machine.
//   slice_bench MODEL_FOLDER [--compute bf16|f32] [--threads N] [--reps N] [--case NAME]
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <vector>

#include "../peak.h"
#include "engine/session.h"

namespace expertoire::bench {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Case {
  std::string name;
  std::vector<int> lengths;  // of the texts; empty = decode
};

std::vector<Case> cases() {
  std::vector<int> mixed;
  uint32_t state = 1;
  for (int i = 0; i < 256; ++i) {
    state = state * 1664525U + 1013904223U;
    mixed.push_back(4 + static_cast<int>(state >> 16) % 125);
  }
  return {{"64x32", std::vector<int>(64, 32)},
          {"8x256", std::vector<int>(8, 256)},
          {"1x256", {256}},
          {"4x16", std::vector<int>(4, 16)},
          {"1x12", {12}},
          {"mixed", mixed},
          {"decode", {}}};
}

std::vector<std::vector<int32_t>> make_texts(const std::vector<int>& lengths, int64_t vocab) {
  std::vector<std::vector<int32_t>> texts;
  uint64_t state = 12345;
  for (int length : lengths) {
    texts.emplace_back();
    for (int i = 0; i < length; ++i) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      texts.back().push_back(static_cast<int32_t>((state >> 33) % static_cast<uint64_t>(vocab)));
    }
  }
  return texts;
}

// Floating point operations of one token without the lm_head, attention scores not counted.
double flops_per_token(const ModelConfig& c) {
  const double attention = 2.0 * static_cast<double>(c.hidden_size) *
                           static_cast<double>(2 * c.q_size() + 2 * c.kv_size());
  const double moe = 6.0 * static_cast<double>(c.hidden_size) *
                         static_cast<double>(c.moe_intermediate_size * c.router.top_k +
                                             c.shared_intermediate_size) +
                     2.0 * static_cast<double>(c.hidden_size) * c.num_experts;
  const double dense =
      6.0 * static_cast<double>(c.hidden_size) * static_cast<double>(c.intermediate_size);
  const int sparse = c.sparse_layers();
  return c.num_hidden_layers * attention + sparse * moe + (c.num_hidden_layers - sparse) * dense;
}

struct Sample {
  double seconds;
  double peak;       // operations a second
  double bandwidth;  // bytes a second, decode only
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Bytes of weights that one decoded token reads.
double decode_bytes(const Model& model) {
  const ModelConfig& c = model.config();
  const double size = static_cast<double>(compute_size(model.compute()));
  return flops_per_token(c) / 2 * size + static_cast<double>(c.vocab_size * c.hidden_size) * size;
}

Sample run_prefill(Session& session, const std::vector<std::vector<int32_t>>& texts) {
  const std::vector<std::span<const int32_t>> spans(texts.begin(), texts.end());
  const double start = now();
  session.forward_once(spans);
  return {now() - start, 0, 0};
}

Sample run_decode(Session& session, KvCache& cache, int steps) {
  const int64_t vocab = session.model().config().vocab_size;
  std::vector<float> logits(static_cast<size_t>(vocab));
  int32_t id = 17;
  const double start = now();
  for (int i = 0; i < steps; ++i) {
    const Chunk chunk{&cache, {&id, 1}};
    session.forward({&chunk, 1});
    const int64_t row = 0;
    session.decoder().logits({&row, 1}, logits.data());
    id = static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  }
  return {(now() - start) / steps, 0, 0};
}

void report(const Case& test, const Model& model, const std::vector<Sample>& samples, double tokens,
            bool json) {
  std::vector<double> seconds, share, bandwidth_share;
  const double flops = flops_per_token(model.config()) * tokens;
  for (const Sample& sample : samples) {
    seconds.push_back(sample.seconds);
    share.push_back(flops / sample.seconds / sample.peak);
    bandwidth_share.push_back(decode_bytes(model) / sample.seconds / sample.bandwidth);
  }
  const double best = *std::min_element(seconds.begin(), seconds.end());
  const double worst = *std::max_element(seconds.begin(), seconds.end());
  const double mid = median(seconds);
  if (json) {
    fmt::print("{}\n", nlohmann::json{{"case", test.name},
                                      {"tokens", tokens},
                                      {"median_s", mid},
                                      {"best_s", best},
                                      {"worst_s", worst},
                                      {"tokens_per_s", tokens / mid},
                                      {"peak_share", median(share)}}
                           .dump());
    return;
  }
  fmt::print("{:7} {:5.0f} tokens  median {:8.2f} ms  best {:8.2f}  worst {:8.2f}  {:8.1f} tok/s",
             test.name, tokens, mid * 1e3, best * 1e3, worst * 1e3, tokens / mid);
  if (test.lengths.empty()) {
    fmt::print("  {:4.1f} % of DRAM read ({:.1f} GB/s)\n", 100 * median(bandwidth_share),
               decode_bytes(model) / mid / 1e9);
  } else {
    fmt::print("  {:4.1f} % of peak ({:.0f} GF/s)\n", 100 * median(share), flops / mid / 1e9);
  }
}

void run_case(const Case& test, Session& session, int reps, bool json) {
  const int threads = session.executor().pool().threads();
  const bool decode = test.lengths.empty();
  const bool bf16 = session.model().compute() == Compute::kBF16;
  const auto texts = make_texts(test.lengths, session.model().config().vocab_size);
  double tokens = decode ? 1 : 0;
  for (int length : test.lengths) tokens += length;
  KvCache cache = session.new_cache();
  std::vector<Sample> samples;
  for (int rep = -1; rep < reps; ++rep) {
    const double before = bf16 ? peak_bf16(threads) : peak_f32(threads);
    Sample sample = decode ? run_decode(session, cache, 8) : run_prefill(session, texts);
    const double after = bf16 ? peak_bf16(threads) : peak_f32(threads);
    sample.peak = (before + after) / 2;
    sample.bandwidth = decode ? dram_read_bandwidth(threads) : 1;
    if (rep >= 0) samples.push_back(sample);
  }
  report(test, session.model(), samples, tokens, json);
}

int run(int argc, char** argv) {
  CLI::App app{"Forward passes of a model against this machine's peak"};
  std::string folder, compute = "bf16", only;
  int threads = 0, reps = 7;
  bool json = false;
  app.add_option("model", folder)->required();
  app.add_option("--compute", compute);
  app.add_option("--threads", threads);
  app.add_option("--reps", reps);
  app.add_option("--case", only);
  app.add_flag("--json", json);
  CLI11_PARSE(app, argc, argv);
  const double start = now();
  const auto model = Model::load(
      folder,
      {.compute = *parse_compute(compute), .lm_head = true, .threads = threads, .progress = {}});
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double packed = static_cast<double>(model->weight_bytes());
  fmt::print(stderr,
             "loaded in {:.2f} s, packed weights {:.0f} MB, peak RSS {:.0f} MB ({:.3f} x)\n",
             now() - start, packed / 1e6, static_cast<double>(usage.ru_maxrss) / 1e3,
             static_cast<double>(usage.ru_maxrss) * 1024 / packed);
  Session session(model, {threads, nullptr});
  for (const Case& test : cases()) {
    if (only.empty() || only == test.name) run_case(test, session, reps, json);
  }
  return 0;
}

}  // namespace
}  // namespace expertoire::bench

int main(int argc, char** argv) { return expertoire::bench::run(argc, argv); }
