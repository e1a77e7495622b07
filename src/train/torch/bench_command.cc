// expertoire-train bench: one layer's or one model's training step, timed. Its counterpart in
// PyTorch is bench/macro/compare_training.py.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/ops/randint.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "cli/common.h"
#include "io/json.h"
#include "train/torch/adamw.h"
#include "train/torch/commands.h"
#include "train/torch/decoder.h"

namespace expertoire::train {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string config;
  int64_t sequences = 8;
  int64_t length = 256;
  double seconds = 5;
  int threads = 0;
  bool layer = false;
  bool bf16 = false;
};

double peak_rss_mib() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

// Seconds of every call, for at least `seconds` and three calls, after one that does not count.
std::vector<double> time_calls(double seconds, const std::function<void()>& call) {
  call();
  std::vector<double> times;
  const auto start = Clock::now();
  while (times.size() < 3 ||
         std::chrono::duration<double>(Clock::now() - start).count() < seconds) {
    const auto before = Clock::now();
    call();
    times.push_back(std::chrono::duration<double>(Clock::now() - before).count());
  }
  std::sort(times.begin(), times.end());
  return times;
}

std::vector<double> time_layer(const Options& options, const ModelShape& shape, RouterUse& use) {
  Parameters parameters(1);
  const auto ffn = make_ffn(shape, 0, parameters);
  const Tensor x = at::empty({options.sequences * options.length, shape.hidden_size})
                       .normal_(0, 1, at::detail::createCPUGenerator(2))
                       .requires_grad_();
  return time_calls(options.seconds, [&] {
    Pass pass;
    pass.bf16 = options.bf16;
    ffn->forward(x, pass).square().mean().backward();
    if (!pass.use.empty()) use = pass.use[0];
  });
}

std::vector<double> time_model(const Options& options, const ModelShape& shape, RouterUse& use) {
  Parameters parameters(1);
  const Decoder decoder(shape, parameters);
  const std::vector<Parameter> learned = parameters.learned();
  AdamW optimizer(learned, {});
  const Tensor ids = at::randint(shape.vocab_size, {options.sequences, options.length + 1},
                                 at::detail::createCPUGenerator(2), at::kLong);
  return time_calls(options.seconds, [&] {
    for (const Parameter& parameter : learned) parameter.tensor.mutable_grad().reset();
    Pass pass;
    pass.bf16 = options.bf16;
    decoder.losses(ids, pass).at("total").backward();
    clip_gradients(learned, gradient_norm(learned), 1.0);
    optimizer.step(1e-5);
    if (!pass.use.empty()) use = pass.use[0];
  });
}

void bench(const Options& options) {
  if (options.threads > 0) at::set_num_threads(options.threads);
  const ModelShape shape = parse_model_shape(read_json_file(options.config), options.config);
  RouterUse use;
  const std::vector<double> times =
      options.layer ? time_layer(options, shape, use) : time_model(options, shape, use);
  const auto tokens = static_cast<double>(options.sequences * options.length);
  cli::print_json({{"kind", kind_name(shape.kind)},
                   {"what", options.layer ? "layer" : "model"},
                   {"tokens", tokens},
                   {"threads", at::get_num_threads()},
                   {"survivors", (use.survivors[0] + use.survivors[1]) / 2},
                   {"tokens_per_s_median", tokens / times[times.size() / 2]},
                   {"tokens_per_s_best", tokens / times.front()},
                   {"repetitions", times.size()},
                   {"peak_rss_mib", peak_rss_mib()}});
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("--model", options->config, "JSON of a run's \"model\"")->required();
  app.add_flag("--layer", options->layer, "Router and experts of one layer only");
  app.add_option("--sequences", options->sequences, "Sequences a step")->capture_default_str();
  app.add_option("--length", options->length, "Tokens a sequence")->capture_default_str();
  app.add_option("--seconds", options->seconds, "How long to measure")->capture_default_str();
  app.add_option("--threads", options->threads, "Threads (default: libtorch's choice)");
  app.add_flag("--bf16", options->bf16, "Products of matrices in bf16");
  return [options] { bench(*options); };
}

}  // namespace

const cli::Command kTrainingBenchCommand = {"bench", "Training steps of a model or a layer, timed",
                                            setup};

}  // namespace expertoire::train
