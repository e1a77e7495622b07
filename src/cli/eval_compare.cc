// expertoire eval compare
#include "eval/compare.h"

#include <fmt/format.h>

#include "cli/common.h"
#include "cli/eval_commands.h"
#include "cli/table.h"

namespace expertoire::cli {
namespace {

struct Options {
  std::string a, b;
  BootstrapOptions bootstrap{};
  bool json = false;
};

std::vector<std::string> cells(const Comparison& one) {
  std::string difference = fmt::format("{:+.4f}", one.b - one.a);
  if (one.difference) {
    difference += fmt::format(" [{:+.4f}, {:+.4f}]", one.difference->low, one.difference->high);
  }
  const auto verdict = one.verdict();
  return {one.dataset,
          one.a_system,
          one.b_system,
          one.score,
          fmt::format("{:.4f}", one.a),
          fmt::format("{:.4f}", one.b),
          difference,
          verdict          ? "B is " + *verdict
          : one.difference ? "no difference shown"
                           : "no interval: rows not stored (--items), or only one"};
}

void compare(const Options& options) {
  const auto all =
      compare_results(read_results(options.a), read_results(options.b), options.bootstrap);
  if (options.json) {
    for (const Comparison& one : all) print_json(one.to_json());
    return;
  }
  std::vector<std::vector<std::string>> rows = {
      {"data set", "A", "B", "score", "of A", "of B", "B - A", "verdict"}};
  for (const Comparison& one : all) rows.push_back(cells(one));
  print_table(rows);
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("a", options->a, "What `eval … --json --items` printed of one run")->required();
  app.add_option("b", options->b, "The same of the other")->required();
  app.add_option("--resamples", options->bootstrap.resamples, "Of the paired bootstrap")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_flag("--json", options->json, "One JSON object a line for each score");
  return [options] { compare(*options); };
}

}  // namespace

extern const Command kEvalCompareCommand = {
    "compare", "Two runs on the same rows: differences by paired bootstrap", setup};

}  // namespace expertoire::cli
