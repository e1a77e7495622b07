// expertoire bench
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "cli/command.h"
#include "cli/common.h"
#include "eval/speed.h"

namespace expertoire::cli {
namespace {

struct Options {
  ModelOptions model;
  std::string only;
  int runs = 7;
  bool json = false;
};

struct Figures {
  double median, best, worst;  // seconds
};

Figures time_case(SpeedRun& speed, int runs) {
  std::vector<double> seconds;
  speed.run();  // warms caches and scratch memory
  for (int i = 0; i < runs; ++i) {
    interrupt_token().check("timing the model");
    seconds.push_back(speed.run());
  }
  std::sort(seconds.begin(), seconds.end());
  return {seconds[seconds.size() / 2], seconds.front(), seconds.back()};
}

nlohmann::json describe(const SpeedCase& test, SpeedRun& speed, const Figures& figures) {
  return {{"case", test.name},
          {"tokens", speed.tokens()},
          {"median_s", figures.median},
          {"best_s", figures.best},
          {"worst_s", figures.worst},
          {"tokens_per_s", static_cast<double>(speed.tokens()) / figures.median},
          {"flops_per_s", speed.flops() / figures.median}};
}

void print_figures(const SpeedCase& test, SpeedRun& speed, const Figures& figures) {
  const double tokens = static_cast<double>(speed.tokens());
  fmt::print("{:8} {:6.0f} {:12.2f} {:9.2f} {:9.2f} {:11.1f} {:9.1f}\n", test.name, tokens,
             figures.median * 1e3, figures.best * 1e3, figures.worst * 1e3, tokens / figures.median,
             speed.flops() / figures.median / 1e9);
}

std::vector<SpeedCase> chosen_cases(const std::string& only) {
  if (only.empty()) return speed_cases();
  std::vector<std::string_view> names;
  for (const SpeedCase& test : speed_cases()) names.push_back(test.name);
  return {speed_cases()[choose("--case", only, names)]};
}

void bench(const Options& options) {
  const std::vector<SpeedCase> cases = chosen_cases(options.only);
  LoadedModel loaded(options.model, true);
  if (!options.json) {
    Executor& executor = loaded.session->executor();
    fmt::print("{}, {}, {}, {} threads\n", loaded.model->config().model_type,
               compute_name(loaded.model->compute()), executor.kernels().name,
               executor.pool().threads());
    fmt::print("{:8} {:>6} {:>12} {:>9} {:>9} {:>11} {:>9}\n", "case", "tokens", "median ms",
               "best", "worst", "tokens/s", "GFLOP/s");
  }
  for (const SpeedCase& test : cases) {
    SpeedRun speed(*loaded.session, test);
    const Figures figures = time_case(speed, options.runs);
    if (options.json) {
      nlohmann::json row = describe(test, speed, figures);
      row.update(loaded.edit);
      print_json(row);
    } else {
      print_figures(test, speed, figures);
    }
  }
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->model.add_to(app);
  app.add_option("--case", options->only, "One case: texts x tokens, mixed, or decode");
  app.add_option("--runs", options->runs, "Timed runs of each case")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_flag("--json", options->json, "One JSON object a case");
  return [options] { bench(*options); };
}

}  // namespace

extern const Command kBenchCommand = {"bench", "How fast a model runs here: prefill and decode",
                                      setup};

}  // namespace expertoire::cli
